#pragma once

/* The standard output as a person sees it: how wide it is, which characters it shows, whether it
 * has colours. What is printed here is safe for a terminal, whatever the text. */

#include <stdbool.h>
#include <stddef.h>

typedef struct Terminal {
        bool is_terminal;
        bool has_utf8;
        bool has_colour; /* a terminal, and neither $NO_COLOR nor TERM=dumb speak against it */
        size_t width;    /* in columns; SIZE_MAX when it is no terminal */
        size_t height;   /* in lines; SIZE_MAX when it is not known */
} Terminal;

typedef enum Colour {
        COLOUR_NONE,
        COLOUR_GOOD,
        COLOUR_BUSY,
        COLOUR_BAD,
        COLOUR_FAINT,
        COLOUR_HEADING,
} Colour;

void terminal_init(Terminal *terminal);
/* The terminal may have been resized. */
void terminal_measure(Terminal *terminal);

/* TEXT with control characters and what the terminal does not show as C escapes; backslashes stay,
 * so that what was escaped once is not escaped again. A fresh string, NULL when memory is short. */
char *terminal_text(const Terminal *terminal, const char *text);
/* How many columns a text of terminal_text() takes. */
size_t terminal_columns(const char *text);
/* A copy of TEXT that takes at most WIDTH columns: its middle gives way, since paths differ at
 * their ends. NULL when memory is short. */
char *terminal_shorten(const Terminal *terminal, const char *text, size_t width);

/* Prints TEXT, which is safe already, in COLOUR. */
void terminal_print(const Terminal *terminal, Colour colour, const char *text);

/* "  LABEL   VALUE": the value is broken into lines where the terminal is too narrow, at blanks if
 * it can be. Returns how many lines that took. */
size_t terminal_print_field(const Terminal *terminal, const char *label, Colour colour,
                            const char *value);
/* How many it would take. */
size_t terminal_field_lines(const Terminal *terminal, const char *value);
