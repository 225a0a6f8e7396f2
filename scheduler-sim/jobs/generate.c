/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/generate.h"
#include "random.h"
#include "topology/textfile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 4e9 /* of one draw and of a submission: ns fit 64 bits */
#define NUMBERS_MAX 100000000

static int add_number(struct generate_distribution *distribution, double number)
{
	size_t count = distribution->count;

	if (!(count & (count - 1))) {
		double *numbers =
			realloc(distribution->numbers, (count ? 2 * count : 1) * sizeof(*numbers));

		if (!numbers)
			return -1;
		distribution->numbers = numbers;
	}
	distribution->numbers[distribution->count++] = number;
	return 0;
}

static int add_line(struct generate_distribution *distribution, struct textfile *file, char *line,
		    struct err *err)
{
	char *save = NULL, *end;

	line[strcspn(line, "#")] = '\0';
	for (char *word = strtok_r(line, " \t\r,", &save); word;
	     word = strtok_r(NULL, " \t\r,", &save)) {
		double number = strtod(word, &end);

		if (*end || !(number >= 0) || number > SECONDS_MAX)
			return textfile_bad(file, err, "'%.40s' is no number of seconds", word);
		if (distribution->count >= NUMBERS_MAX)
			return textfile_bad(file, err, "more than %d numbers", NUMBERS_MAX);
		if (add_number(distribution, number) < 0)
			return err_errno(err, "%s", file->name);
	}
	return 0;
}

/* All of FILE, which is closed. */
static int read_numbers(struct generate_distribution *distribution, struct textfile *file,
			struct err *err)
{
	struct generate_distribution made = { .kind = GENERATE_TRACE };
	size_t length;
	char *line;
	int rc = 0;

	while (rc == 0 && (line = textfile_next(file, &length, err)) != NULL)
		rc = add_line(&made, file, line, err);
	if (textfile_failed(file))
		rc = -1;
	if (rc == 0 && !made.count)
		rc = err_set(err, "%s: no numbers in it", file->name);
	textfile_close(file);
	if (rc < 0)
		generate_release(&made);
	else
		*distribution = made;
	return rc;
}

int generate_numbers(struct generate_distribution *distribution, const char *path, struct err *err)
{
	struct textfile file;

	if (textfile_open(&file, path, err) < 0)
		return -1;
	return read_numbers(distribution, &file, err);
}

int generate_parse(struct generate_distribution *distribution, const char *data, size_t size,
		   const char *name, struct err *err)
{
	struct textfile file;

	textfile_open_memory(&file, name, data, size);
	return read_numbers(distribution, &file, err);
}

void generate_release(struct generate_distribution *distribution)
{
	free(distribution->numbers);
	*distribution = (struct generate_distribution){ 0 };
}

/* In [0, 1) from the stream of this draw, or the next one of Python's. */
static double real(struct generate *generate, const char *what)
{
	struct random random;

	if (generate->python)
		return mt19937_random(generate->python);
	random_init(&random, generate->seed, what,
		    ((uint64_t)generate->source << 40) + generate->drawn);
	return random_real(&random);
}

static int draw(struct generate *generate, const struct generate_distribution *distribution,
		const char *what, double *value)
{
	switch (distribution->kind) {
	case GENERATE_EXPONENTIAL: /* as Python's expovariate() */
		*value = -log(1.0 - real(generate, what)) / distribution->a;
		return 0;
	case GENERATE_UNIFORM: /* as Python's uniform() */
		*value = distribution->a +
			 (distribution->b - distribution->a) * real(generate, what);
		return 0;
	case GENERATE_CONSTANT:
		*value = distribution->a;
		return 0;
	case GENERATE_TRACE:
		if (generate->drawn >= distribution->count)
			return -1;
		*value = distribution->numbers[generate->drawn];
		return 0;
	}
	return -1;
}

int generate_next(struct generate *generate, double *duration, double *interarrival)
{
	if (draw(generate, generate->duration, "duration", duration) < 0 ||
	    draw(generate, generate->interarrival, "interarrival", interarrival) < 0)
		return -1;
	generate->drawn++;
	return 0;
}

static int add(struct workload *workload, const struct netemu_job *model, struct traffic *traffic,
	       const char *name, double submit, double duration)
{
	struct workload_job *job = workload_add(workload);
	uint64_t id = workload->count - 1;

	if (!job)
		return -1;
	job->job = *model;
	job->job.id = id;
	job->job.start = NETEMU_NEVER;
	job->submit_s = submit;
	job->duration_s = duration;
	job->job.submit = llround(submit * 1e9);
	job->duration = llround(duration * 1e9);
	if (!model->limit)
		job->job.limit = job->duration;
	job->traffic = traffic_share(traffic);
	if (!name)
		return 0;
	job->name = strdup(name);
	return job->name ? 0 : -1;
}

int generate_jobs(struct generate *generate, struct workload *workload,
		  const struct netemu_job *model, struct traffic *traffic, const char *name,
		  uint64_t count, int64_t until, struct err *err)
{
	double duration, interarrival, submit = 0;
	uint64_t made = 0;

	if (!count && until == NETEMU_NEVER && generate->duration->kind != GENERATE_TRACE &&
	    generate->interarrival->kind != GENERATE_TRACE)
		return err_set(err, "jobs come for ever: neither a count nor a duration is given");
	generate->source = workload->sources++;
	while ((!count || made < count) && generate_next(generate, &duration, &interarrival) == 0) {
		submit += interarrival;
		if (until != NETEMU_NEVER && submit * 1e9 > (double)until)
			break;
		if (!(submit <= SECONDS_MAX) || !(duration <= SECONDS_MAX))
			return err_set(err, "job %llu: more than %g s", (unsigned long long)made,
				       SECONDS_MAX);
		if (made++ >= WORKLOAD_MAX / 10)
			return err_set(err, "more than %d jobs until the end", WORKLOAD_MAX / 10);
		if (add(workload, model, traffic, name, submit, duration) < 0)
			return err_errno(err, "job %llu", (unsigned long long)made);
	}
	return 0;
}
