#include "config/exclude-pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"

typedef enum TokenKind {
        TOKEN_BYTE,        /* this one */
        TOKEN_ANY,         /* any one but the slash: "?" */
        TOKEN_SET,         /* one of a set, never the slash: "[...]" */
        TOKEN_STAR,        /* any number but no slash: "*" */
        TOKEN_GAP,         /* any number: "**" at the end of a pattern */
        TOKEN_DIRECTORIES, /* nothing, or anything that ends with a slash: the component "**" */
} TokenKind;

typedef struct Token {
        uint8_t kind;
        uint8_t byte;
        uint16_t set; /* index into the pattern's sets */
} Token;

typedef struct ByteSet {
        uint64_t bits[4];
} ByteSet;

struct ExcludePattern {
        char *text;
        Token *tokens;
        size_t n_tokens;
        ByteSet *sets;
        size_t n_sets;
        size_t n_literal; /* tokens before the first that is no TOKEN_BYTE */
        bool is_negated, is_of_directories, is_of_names;
};

/* What is being taken apart: without the exclamation mark, trailing blanks and slash. */
typedef struct Parser {
        ExcludePattern *pattern;
        const char *text;
        size_t length, at;
        size_t first_wildcard; /* as git counts: of what stands before it no pattern is made */
} Parser;

static void set_add(ByteSet *set, unsigned first, unsigned last) {
        for (unsigned byte = first; byte <= last; byte++)
                set->bits[byte / 64] |= UINT64_C(1) << (byte % 64);
}

static bool set_has(const ByteSet *set, unsigned char byte) {
        return set->bits[byte / 64] >> (byte % 64) & 1;
}

static void set_invert(ByteSet *set) {
        for (size_t i = 0; i < ELEMENTSOF(set->bits); i++)
                set->bits[i] = ~set->bits[i];
}

/* ASCII, whatever the locale says. */
static const struct {
        const char *name;
        const char *ranges; /* pairs of the first and the last byte */
} classes[] = {
        { "alnum", "09AZaz" },   { "alpha", "AZaz" },
        { "blank", "\t\t  " },   { "cntrl", "\x01\x1f\x7f\x7f" },
        { "digit", "09" },       { "graph", "!~" },
        { "lower", "az" },       { "print", " ~" },
        { "punct", "!/:@[`{~" }, { "space", "\t\n\r\r  " },
        { "upper", "AZ" },       { "xdigit", "09AFaf" },
};

static bool set_add_class(ByteSet *set, const char *name, size_t length) {
        for (size_t i = 0; i < ELEMENTSOF(classes); i++) {
                const char *range = classes[i].ranges;

                if (strlen(classes[i].name) != length || memcmp(classes[i].name, name, length) != 0)
                        continue;
                for (; *range; range += 2)
                        set_add(set, (unsigned char) range[0], (unsigned char) range[1]);
                return true;
        }
        return false;
}

static int peek(const Parser *parser, size_t ahead) {
        size_t at = parser->at + ahead;

        return at < parser->length ? (unsigned char) parser->text[at] : -1;
}

static void add_token(Parser *parser, TokenKind kind, int byte) {
        ExcludePattern *pattern = parser->pattern;

        pattern->tokens[pattern->n_tokens++] = (Token) { .kind = (uint8_t) kind,
                                                         .byte = (uint8_t) byte };
}

/* "[:word:]" within brackets; *RET_DONE is false when it is none, and its bracket stands for
 * itself. */
static int parse_class(Parser *parser, ByteSet *set, bool *ret_done) {
        const char *word = parser->text + parser->at + 2, *end;
        size_t length;

        *ret_done = false;
        if (peek(parser, 0) != '[' || peek(parser, 1) != ':')
                return 0;
        end = memchr(word, ']', parser->length - parser->at - 2);
        if (!end)
                return PATTERN_BRACKET;
        length = (size_t) (end - word);
        if (length == 0 || word[length - 1] != ':')
                return 0;
        if (!set_add_class(set, word, length - 1))
                return PATTERN_CLASS;
        parser->at += 2 + length + 1;
        *ret_done = true;
        return 0;
}

/* One byte, perhaps escaped; -1 when nothing is left. */
static int take_byte(Parser *parser) {
        int byte = peek(parser, 0);

        if (byte == '\\') {
                parser->at++;
                byte = peek(parser, 0);
        }
        parser->at++;
        return byte;
}

/* A byte, or a range when PREVIOUS, a byte too, stands before the hyphen. The byte that may begin a
 * range, 0 when none may; -1 when nothing is left. */
static int parse_member(Parser *parser, ByteSet *set, int previous) {
        bool is_range = peek(parser, 0) == '-' && previous > 0 && peek(parser, 1) >= 0 &&
                        peek(parser, 1) != ']';
        int byte;

        parser->at += is_range;
        byte = take_byte(parser);
        if (byte < 0)
                return -1;
        set_add(set, is_range ? (unsigned) previous : (unsigned) byte, (unsigned) byte);
        return is_range ? 0 : byte;
}

static int parse_members(Parser *parser, ByteSet *set) {
        int previous = 0;

        do {
                bool is_class;
                int r = parse_class(parser, set, &is_class);

                if (r != 0)
                        return r;
                previous = is_class ? 0 : parse_member(parser, set, previous);
                if (previous < 0 || peek(parser, 0) < 0)
                        return PATTERN_BRACKET;
        } while (peek(parser, 0) != ']');
        parser->at++;
        return 0;
}

static int parse_brackets(Parser *parser) {
        ExcludePattern *pattern = parser->pattern;
        ByteSet *set, *sets = reallocarray(pattern->sets, pattern->n_sets + 1, sizeof *sets);
        bool negated;
        int r;

        if (!sets)
                return -ENOMEM;
        pattern->sets = sets;
        set = &sets[pattern->n_sets];
        *set = (ByteSet) {};
        parser->at++;
        negated = peek(parser, 0) == '!' || peek(parser, 0) == '^';
        parser->at += negated;
        r = parse_members(parser, set);
        if (r != 0)
                return r;
        if (negated)
                set_invert(set);
        set->bits['/' / 64] &= ~(UINT64_C(1) << ('/' % 64));
        add_token(parser, TOKEN_SET, 0);
        pattern->tokens[pattern->n_tokens - 1].set = (uint16_t) pattern->n_sets++;
        return 0;
}

/* Two stars or more are special only between slashes, or where the pattern or what git makes of it
 * begins or ends. */
static void parse_stars(Parser *parser) {
        size_t first = parser->at;
        bool begins, is_component;

        while (peek(parser, 0) == '*')
                parser->at++;
        begins = first == parser->first_wildcard || parser->text[first - 1] == '/';
        is_component = !parser->pattern->is_of_names && parser->at - first > 1 && begins;
        if (is_component && peek(parser, 0) == '/') {
                parser->at++;
                add_token(parser, TOKEN_DIRECTORIES, 0);
        } else if (is_component &&
                   (peek(parser, 0) < 0 || (peek(parser, 0) == '\\' && peek(parser, 1) == '/')))
                add_token(parser, TOKEN_GAP, 0);
        else
                add_token(parser, TOKEN_STAR, 0);
}

static int parse_tokens(Parser *parser) {
        while (parser->at < parser->length) {
                int byte = peek(parser, 0), r = 0;

                if (byte == '*')
                        parse_stars(parser);
                else if (byte == '[')
                        r = parse_brackets(parser);
                else if (byte == '?') {
                        parser->at++;
                        add_token(parser, TOKEN_ANY, 0);
                } else {
                        byte = take_byte(parser);
                        if (byte < 0)
                                r = PATTERN_BACKSLASH;
                        else
                                add_token(parser, TOKEN_BYTE, byte);
                }
                if (r != 0)
                        return r;
        }
        return 0;
}

/* How long TEXT is without the blanks at its end that are not escaped. */
static size_t length_without_blanks(const char *text) {
        size_t length = 0;

        for (size_t i = 0; text[i]; i++) {
                if (text[i] == '\\' && text[i + 1])
                        i++;
                else if (text[i] == ' ')
                        continue;
                length = i + 1;
        }
        return length;
}

static int parse(ExcludePattern *pattern) {
        Parser parser = { .pattern = pattern,
                          .text = pattern->text,
                          .length = length_without_blanks(pattern->text) };
        int r;

        if (parser.text[0] == '#')
                return PATTERN_COMMENT;
        pattern->is_negated = parser.text[0] == '!';
        parser.text += pattern->is_negated;
        parser.length -= MIN((size_t) pattern->is_negated, parser.length);
        pattern->is_of_directories = parser.length > 0 && parser.text[parser.length - 1] == '/';
        parser.length -= pattern->is_of_directories;
        pattern->is_of_names = !memchr(parser.text, '/', parser.length);
        parser.first_wildcard = strcspn(parser.text, "*?[\\");
        parser.at = parser.length > 0 && parser.text[0] == '/';
        if (parser.at == parser.length)
                return PATTERN_EMPTY;
        r = parse_tokens(&parser);
        while (pattern->n_literal < pattern->n_tokens &&
               pattern->tokens[pattern->n_literal].kind == TOKEN_BYTE)
                pattern->n_literal++;
        return r;
}

int exclude_pattern_new(const char *text, ExcludePattern **ret) {
        _cleanup_(exclude_pattern_freep) ExcludePattern *pattern = NULL;
        int r;

        if (strlen(text) > PATTERN_LENGTH_MAX)
                return PATTERN_TOO_LONG;
        pattern = new0(ExcludePattern, 1);
        if (!pattern)
                return -ENOMEM;
        pattern->text = strdup(text);
        pattern->tokens = new0(Token, strlen(text) + 1);
        if (!pattern->text || !pattern->tokens)
                return -ENOMEM;
        r = parse(pattern);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(pattern);
        return 0;
}

ExcludePattern *exclude_pattern_free(ExcludePattern *pattern) {
        if (!pattern)
                return NULL;
        free(pattern->text);
        free(pattern->tokens);
        free(pattern->sets);
        free(pattern);
        return NULL;
}

const char *exclude_pattern_text(const ExcludePattern *pattern) {
        return pattern->text;
}

bool exclude_pattern_is_negated(const ExcludePattern *pattern) {
        return pattern->is_negated;
}

bool exclude_pattern_is_of_directories(const ExcludePattern *pattern) {
        return pattern->is_of_directories;
}

bool exclude_pattern_is_of_names(const ExcludePattern *pattern) {
        return pattern->is_of_names;
}

/* A place to which matching goes back: the token behind the star, and the byte where what follows
 * it is tried next. */
typedef struct Retreat {
        size_t token; /* 0: none */
        size_t at;
} Retreat;

typedef struct Match {
        const ExcludePattern *pattern;
        const char *path;
        size_t length, at, token;
        /* The last one of each kind is enough: what an earlier one could still give the later ones
         * take as well, and no star reaches beyond its component. */
        Retreat star, gap;
} Match;

static bool matches_byte(const Match *match, const Token *token) {
        unsigned char byte = (unsigned char) match->path[match->at];

        switch (token->kind) {
        case TOKEN_BYTE:
                return byte == token->byte;
        case TOKEN_ANY:
                return byte != '/';
        case TOKEN_SET:
                return set_has(&match->pattern->sets[token->set], byte);
        default:
                return false;
        }
}

/* False when there is nowhere to go back to. */
static bool go_back(Match *match) {
        bool directories;

        if (match->star.token > 0 && match->star.at < match->length &&
            match->path[match->star.at] != '/') {
                match->at = ++match->star.at;
                match->token = match->star.token;
                return true;
        }
        match->star.token = 0;
        if (match->gap.token == 0 || match->gap.at >= match->length)
                return false;
        directories = match->pattern->tokens[match->gap.token - 1].kind == TOKEN_DIRECTORIES;
        if (directories) {
                const char *slash = memchr(match->path + match->gap.at, '/',
                                           match->length - match->gap.at);
                if (!slash)
                        return false;
                match->gap.at = (size_t) (slash - match->path);
        }
        match->at = ++match->gap.at;
        match->token = match->gap.token;
        return true;
}

static bool run(Match *match) {
        const ExcludePattern *pattern = match->pattern;

        for (;;) {
                const Token *token = &pattern->tokens[match->token];
                bool ended = match->token == pattern->n_tokens;

                if (ended && match->at == match->length)
                        return true;
                if (!ended && token->kind >= TOKEN_STAR) {
                        Retreat *retreat = token->kind == TOKEN_STAR ? &match->star : &match->gap;

                        *retreat = (Retreat) { ++match->token, match->at };
                        if (retreat == &match->gap)
                                match->star.token = 0;
                } else if (!ended && match->at < match->length && matches_byte(match, token)) {
                        match->at++;
                        match->token++;
                } else if (!go_back(match))
                        return false;
        }
}

bool exclude_pattern_matches(const ExcludePattern *pattern, const char *path, size_t length) {
        Match match = { .pattern = pattern, .path = path, .length = length };

        if (pattern->is_of_names) {
                const char *slash = memrchr(path, '/', length);

                if (slash) {
                        match.path = slash + 1;
                        match.length = length - (size_t) (slash + 1 - path);
                }
        }
        return run(&match);
}

bool exclude_pattern_reaches(const ExcludePattern *pattern, const char *path, size_t length) {
        bool is_literal = pattern->n_literal == pattern->n_tokens;

        if (pattern->is_of_names || (is_literal && pattern->n_literal <= length))
                return false;
        for (size_t i = 0; i < pattern->n_literal && i <= length; i++) {
                char byte = i < length ? path[i] : '/';

                if (pattern->tokens[i].byte != (unsigned char) byte)
                        return false;
        }
        return true;
}
