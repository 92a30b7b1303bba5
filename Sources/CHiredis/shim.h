#pragma once
// hiredis's pure parts, its reply parser and its command writer, the same for 0.14 and 1.x.
#include <hiredis/hiredis.h>
#include <stddef.h>

// What a reader finds, in the order of the wire. Each function returns 0 to refuse: the reader
// then fails for good.
typedef struct chiredis_events {
    void *owner;
    int (*string)(void *owner, int type, const char *bytes, size_t count);
    int (*array)(void *owner, size_t count);
    int (*integer)(void *owner, long long value);
    int (*null)(void *owner);
} chiredis_events;

// Any address stands for a value that was accepted: the owner keeps the values itself.
static inline void *chiredis_accepted(const redisReadTask *task, int accepted) {
    return accepted ? task->privdata : NULL;
}

static inline void *chiredis_string(const redisReadTask *task, char *bytes, size_t count) {
    chiredis_events *events = (chiredis_events *)task->privdata;
    return chiredis_accepted(task, events->string(events->owner, task->type, bytes, count));
}

static inline void *chiredis_integer(const redisReadTask *task, long long value) {
    chiredis_events *events = (chiredis_events *)task->privdata;
    return chiredis_accepted(task, events->integer(events->owner, value));
}

static inline void *chiredis_null(const redisReadTask *task) {
    chiredis_events *events = (chiredis_events *)task->privdata;
    return chiredis_accepted(task, events->null(events->owner));
}

static inline void chiredis_free_value(void *value) { (void)value; }

// The types of RESP3, which nobody has asked for, are refused: 0.14 does not know them either.
static inline void *chiredis_array_of(const redisReadTask *task, size_t count) {
    chiredis_events *events = (chiredis_events *)task->privdata;
    if (task->type != REDIS_REPLY_ARRAY) return NULL;
    return chiredis_accepted(task, events->array(events->owner, count));
}

#if HIREDIS_MAJOR >= 1
static inline void *chiredis_array(const redisReadTask *task, size_t count) {
    return chiredis_array_of(task, count);
}
static inline void *chiredis_double(const redisReadTask *task, double value, char *text, size_t n) {
    (void)task, (void)value, (void)text, (void)n;
    return NULL;
}
static inline void *chiredis_boolean(const redisReadTask *task, int value) {
    (void)task, (void)value;
    return NULL;
}
#else
static inline void *chiredis_array(const redisReadTask *task, int count) {
    return chiredis_array_of(task, (size_t)count);
}
#endif

static redisReplyObjectFunctions chiredis_functions = {
    .createString = chiredis_string,
    .createArray = chiredis_array,
    .createInteger = chiredis_integer,
    .createNil = chiredis_null,
#if HIREDIS_MAJOR >= 1
    .createDouble = chiredis_double,
    .createBool = chiredis_boolean,
#endif
    .freeObject = chiredis_free_value,
};

// A reader that tells `events`, which must outlive it; NULL when there is no memory.
static inline redisReader *chiredis_reader_make(chiredis_events *events, size_t kept_buffer) {
    redisReader *reader = redisReaderCreateWithFunctions(&chiredis_functions);
    if (!reader) return NULL;
    reader->privdata = events;
    reader->maxbuf = kept_buffer;
    return reader;
}

static inline int chiredis_reader_feed(redisReader *reader, const void *bytes, size_t count) {
    return redisReaderFeed(reader, (const char *)bytes, count) == REDIS_OK;
}

// 1: a reply is complete; 0: it takes more bytes; -1: the bytes are none.
static inline int chiredis_reader_next(redisReader *reader) {
    void *reply = NULL;
    if (redisReaderGetReply(reader, &reply) != REDIS_OK) return -1;
    return reply != NULL;
}

static inline size_t chiredis_reader_buffered(const redisReader *reader) {
    return reader->len - reader->pos;
}

static inline const char *chiredis_reader_error(const redisReader *reader) {
    return reader->errstr;
}

// The length of the command, which `chiredis_command_free` frees; negative without memory.
static inline long long chiredis_command_make(
    char **command, int count, const char **arguments, const size_t *lengths
) {
    return redisFormatCommandArgv(command, count, arguments, lengths);
}

static inline void chiredis_command_free(char *command) { redisFreeCommand(command); }
