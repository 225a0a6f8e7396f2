/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - result.txt and the CSV files of PFSim */
#include "config.h"

#include "pfsim/world.h"

#include "stats.h"

#include <limits.h>
#include <string.h>

static const char *dotted(const char *name, const char *const (*names)[2], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i][0]) == 0)
			return names[i][1];
	return name;
}

/* What PFSim calls our names. */
static const char *selector_name(const char *name)
{
	static const char *const names[][2] = {
		{ "linear", "pfsim.host_selector.LinearHostSelector" },
		{ "random", "pfsim.host_selector.RandomHostSelector" },
	};

	return dotted(name, names, sizeof(names) / sizeof(*names));
}

static const char *mapper_name(const char *name)
{
	static const char *const names[][2] = {
		{ "block", "pfsim.process_mapper.LinearProcessMapper" },
		{ "cyclic", "pfsim.process_mapper.CyclicProcessMapper" },
		{ "random", "pfsim.process_mapper.RandomProcessMapper" },
	};

	return dotted(name, names, sizeof(names) / sizeof(*names));
}

static const char *routing_name(const char *name)
{
	static const char *const names[][2] = {
		{ "random", "pfsim.router.RandomRouter" },
		{ "dmodk", "pfsim.router.DmodKRouter" },
		{ "greedy", "pfsim.router.GreedyRouter" },
		{ "greedy-max", "pfsim.router.GreedyRouter2" },
	};

	return dotted(name, names, sizeof(names) / sizeof(*names));
}

static void set(struct pfsim_row *row, const char *item, const char *value)
{
	row->item = item;
	snprintf(row->value, sizeof(row->value), "%s", value);
}

static void report_scenario(const struct pfsim_scenario *scenario, FILE *out)
{
	struct pfsim_row rows[5];
	char duration[32];

	stats_repr(duration, sizeof(duration), scenario->duration);
	if (!scenario->duration_is_float)
		snprintf(duration, sizeof(duration), "%.0f", scenario->duration);
	set(&rows[0], "Duration", duration);
	set(&rows[1], "Cluster Topology", scenario->topology_text);
	/* PFSim's own spelling */
	set(&rows[2], "Host Section Algorithm", selector_name(scenario->host_selector));
	set(&rows[3], "Process Mapping Algorithm", mapper_name(scenario->process_mapper));
	set(&rows[4], "Routing Algorithm", routing_name(scenario->router));
	fputs("Simulation Scenario\n", out);
	pfsim_table(rows, 5, out);
}

/* As it was before the first event. */
static void report_cluster(const struct topology *topology, FILE *out)
{
	struct pfsim_row rows[5];
	char number[32];

	set(&rows[0], "Name", topology->name);
	snprintf(number, sizeof(number), "%u", topology->net.hosts);
	set(&rows[1], "Number of Hosts", number);
	set(&rows[2], "Number of Allocated Hosts", "0");
	snprintf(number, sizeof(number), "%u", topology->nswitches);
	set(&rows[3], "Number of Switches", number);
	snprintf(number, sizeof(number), "%u", topology->net.links);
	set(&rows[4], "Number of Links", number);
	fputs("Cluster Status\n", out);
	pfsim_table(rows, 5, out);
}

static int write_result(const struct pfsim_world *world, const char *dir, struct err *err)
{
	char path[PATH_MAX];
	struct outfile file;

	snprintf(path, sizeof(path), "%s/result.txt", dir);
	if (outfile_open(&file, path, err) < 0)
		return -1;
	report_scenario(world->scenario, file.stream);
	report_cluster(world->topology, file.stream);
	for (int i = 0; i < PFSIM_METRICS; i++)
		pfsim_series_report(&world->series[i], file.stream);
	return outfile_commit(&file, err);
}

static int write_series(const struct pfsim_series *series, const char *dir, struct err *err)
{
	char path[PATH_MAX];
	struct outfile file;

	snprintf(path, sizeof(path), "%s/%s.csv", dir, series->name);
	if (outfile_open(&file, path, err) < 0)
		return -1;
	pfsim_series_csv(series, file.stream);
	return outfile_commit(&file, err);
}

int pfsim_write(const struct pfsim_world *world, const char *dir, struct err *err)
{
	for (int i = 0; i < PFSIM_METRICS; i++)
		if (write_series(&world->series[i], dir, err) < 0)
			return -1;
	return write_result(world, dir, err);
}
