/* SPDX-License-Identifier: Apache-2.0 */
/* chromelib.h - inside chrome.c and chrome-*.c: what is being written */
#ifndef TRACE_CHROMELIB_H
#define TRACE_CHROMELIB_H

#include "trace/tracks.h"

/* The call whose records are coming. */
struct slice {
	bool open;
	uint16_t call;
	uint32_t thread, series, tid;
	int64_t time, duration;
	uint32_t records;
};

/* A file of events on its way out. */
struct chrome {
	const struct trace_run *run;
	struct ordered out;
	struct tracks tracks;
	struct json args; /* of the slice, in memory */
	struct slice slice;
	const struct trace_file *file;
	uint64_t unposted; /* completions without a request */
	uint64_t ways;     /* over links */
	int64_t now;       /* ns: the newest event */
	struct err *err;
};

/* Begin an event of PH on the track TID at TIME, as far as its "ts"; what follows is put
 * into what it returns, up to chrome_end().
 */
struct json *chrome_begin(struct chrome *chrome, char ph, uint32_t tid, int64_t time,
			  enum ordered_class order);
void chrome_end(struct chrome *chrome);

/* ,"KEY":"NAME" */
void chrome_name(struct json *json, const char *key, const char *name);

enum number { NUMBER_POSTED, NUMBER_UNPOSTED, NUMBER_DEVICE };

/* Of an asynchronous slice: the same each time, whichever files are written. */
uint64_t chrome_number(const struct chrome *chrome, enum number what, uint64_t number);

/* Calls (chrome-calls.c): a record of one; the end of the one that is open. */
int chrome_take_call(struct chrome *chrome, const struct reader_event *event);
void chrome_close_call(struct chrome *chrome);

/* What is no call (chrome-device.c). */
void chrome_take_device(struct chrome *chrome, const struct reader_event *event);
void chrome_take_summary(struct chrome *chrome, const struct reader_event *event);

/* Work requests (chrome-work.c), as match.h's handlers; ARG is a struct chrome. */
int chrome_posted(void *arg, const struct work *work, const struct match_depth *depth);
int chrome_ended(void *arg, const struct work *work, const struct match_depth *depth);
int chrome_left(void *arg, const struct work *work);

#endif
