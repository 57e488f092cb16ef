#pragma once

/* What a configuration would meet on this machine: directories, file systems, space, limits of
 * watching. Looks only. The daemon judges for itself when it starts, and more strictly. */

#include <stddef.h>

#include "config/config.h"

typedef enum SurveyLevel {
        SURVEY_FOUND,   /* as it should be */
        SURVEY_WARNING, /* it will work, but not as somebody may expect */
        SURVEY_PROBLEM, /* it will not work */
} SurveyLevel;

typedef struct SurveyItem {
        SurveyLevel level;
        char *text; /* owned; for a person */
} SurveyItem;

typedef struct Survey {
        SurveyItem *items; /* owned */
        size_t n_items;
        size_t n_problems;
} Survey;

#define SURVEY_NULL ((Survey) {})
void survey_done(Survey *survey);

/* 0 or -ENOMEM. */
int survey_make(const Config *config, Survey *ret);

/* "found", "warning", "problem" */
const char *survey_level_to_string(SurveyLevel level);
