/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int env_get(spank_t sp, const char *name, char *buf, size_t size)
{
	const char *value;
	spank_err_t rc;

	buf[0] = '\0';
	if (sp) {
		rc = spank_getenv(sp, name, buf, (int)size);
		if (rc == ESPANK_SUCCESS)
			return buf[0] != '\0';
		buf[0] = '\0';
		return rc == ESPANK_NOSPACE ? -1 : 0;
	}
	value = getenv(name);
	if (!value || !value[0])
		return 0;
	if (strlen(value) >= size)
		return -1;
	strcpy(buf, value);
	return 1;
}

void env_set(spank_t sp, const char *name, const char *value)
{
	if (sp)
		spank_setenv(sp, name, value, 1);
	else
		setenv(name, value, 1);
}

void env_unset(spank_t sp, const char *name)
{
	if (sp)
		spank_unsetenv(sp, name);
	else
		unsetenv(name);
}

int env_address(spank_t sp, const char *name, char *address, size_t size)
{
	char value[512], host[INET6_ADDRSTRLEN + 1] = "";

	if (env_get(sp, name, value, sizeof(value)) != 1 ||
	    (value[0] == ':' && env_get(sp, "SLURM_LAUNCH_NODE_IPADDR", host, sizeof(host)) != 1))
		return 0;
	return snprintf(address, size, strchr(host, ':') ? "[%s]%s" : "%s%s", host, value) <
	       (int)size;
}
