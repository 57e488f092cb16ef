#include "ctl/report-json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "ctl/json.h"

static void print_work(const StatisticsBucket *work) {
        const char *before = "";

        (void) fputs("{", stdout);
        for (Statistic i = 0; i < _STATISTIC_MAX; i++) {
                if (statistic_kind(i) == STATISTIC_LAST && !statistics_knows(work, i))
                        continue;
                (void) printf("%s\"%s\":%" PRIu64, before, statistic_to_string(i), work->values[i]);
                before = ",";
        }
        (void) printf(",\"lag-50-usec\":%" PRIu64 ",\"lag-95-usec\":%" PRIu64
                      ",\"lag-99-usec\":%" PRIu64 "}",
                      report_lag(work, 50), report_lag(work, 95), report_lag(work, 99));
}

static void print_lags(const uint64_t *lags) {
        const char *before = "";

        (void) fputs("[", stdout);
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                if (lags[i] > 0) {
                        (void) printf("%s{\"FromUSec\":%" PRIu64 ",\"Changes\":%" PRIu64 "}",
                                      before, histogram_lower(i), lags[i]);
                        before = ",";
                }
        (void) fputs("]", stdout);
}

static void print_slowest(const Slowest *slowest) {
        for (size_t i = 0; i < slowest->n_items; i++) {
                const SlowOperation *operation = &slowest->items[i];

                (void) printf("%s\n{\"AtUSec\":%" PRIu64 ",\"Operation\":", i > 0 ? "," : "",
                              operation->at);
                json_print_name(stdout, operation->what);
                (void) printf(",\"DurationUSec\":%" PRIu64 ",\"Bytes\":%" PRIu64 ",\"Path\":",
                              operation->duration, operation->n_bytes);
                json_print_name(stdout, operation->path);
                (void) fputs("}", stdout);
        }
}

void report_print_json(const char *name, const Report *report) {
        (void) fputs("{\"Pair\":", stdout);
        json_print_name(stdout, name);
        (void) printf(",\"SinceUSec\":%" PRIu64 ",\"UntilUSec\":%" PRIu64
                      ",\"RecordedUSec\":%" PRIu64 ",\n\"Total\":",
                      report->since, report->until, report->recorded);
        print_work(&report->total);
        (void) fputs(",\n\"Before\":", stdout);
        print_work(&report->before);
        (void) fputs(",\n\"Lags\":", stdout);
        print_lags(report->total.lags);
        (void) printf(",\n\"BinUSec\":%" PRIu64 ",\"Bins\":[", report->length);
        for (size_t i = 0; i < report->n_bins; i++) {
                (void) printf("%s\n{\"StartUSec\":%" PRIu64 ",\"Work\":", i > 0 ? "," : "",
                              report->bins[i].start);
                print_work(&report->bins[i].work);
                (void) fputs("}", stdout);
        }
        (void) fputs("],\n\"Slowest\":[", stdout);
        print_slowest(&report->slowest);
        (void) fputs("]}\n", stdout);
}
