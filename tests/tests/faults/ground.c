/*
 * Laid under a node with LD_PRELOAD by the tests of faults: it decides what the node's disk does, and what its clock shows. Nothing of
 * the product knows it. Every change of a file below KEIS_DISK_FOLDER and every sync of one is a point, counted over all threads.
 *
 *   KEIS_DISK_FOLDER   files below are watched; without it the disk is as it is
 *   KEIS_DISK_LOG      a line for every point: its number, what is done, to which file
 *   KEIS_DISK_KILL     the point at which the process is killed
 *   KEIS_DISK_END      how: `before` it, `torn` (half of a write is done) or `cut` (the power goes: changes that no sync followed are
 *                      taken back, each as KEIS_DISK_SEED draws; all of them for seed 0)
 *   KEIS_DISK_FLIP     from this point on the next write is done with one bit flipped, as KEIS_DISK_SEED draws; whoever writes does not learn it
 *   KEIS_DISK_TRIGGER  when this file appears the end comes at once, between two points, where KEIS_DISK_END is set; else
 *   KEIS_DISK_FAIL     the next sync of a file whose name ends so fails with EIO, once, as the kernel does
 *   KEIS_DISK_DELAY    microseconds that every sync takes longer
 *   KEIS_MEMORY_GROUP  control group that the process joins as it begins
 *   KEIS_CLOCK_FILE    seconds by which the clock is off, read again all the time
 *
 * Not seen: what is done through mapped memory (a node maps no file for writing), and changes of folders (made, renamed and removed
 * files are points, but are not taken back).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct change {
    int file;
    dev_t device;
    ino_t inode;
    off_t size_before, at;
    size_t old_length, new_length;
    char *old, *new;
    bool cuts;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct change *changes;
static size_t change_count, change_room;
static const char *folder, *log_path, *end, *trigger, *fail, *clock_file;
static long kill_at, flip_at, seed, delay, points;
static int log_file = -1;
static bool has_failed, has_flipped;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_truncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

static void cut(void);
static void die(void);

/* Ends the process when the trigger appears. */
static void *wait_for_trigger(void *nothing) {
    while (access(trigger, F_OK) != 0) usleep(2000);
    pthread_mutex_lock(&turn);
    if (strcmp(end, "cut") == 0) cut();
    die();
    return nothing;
}

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

/* The processes of the file are joined by whoever writes a nought to it. */
static void join(const char *group) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || real_write(file, "0", 1) != 1) abort();
    close(file);
}

__attribute__((constructor)) static void begin(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    if (getenv("KEIS_MEMORY_GROUP")) join(getenv("KEIS_MEMORY_GROUP"));
    folder = getenv("KEIS_DISK_FOLDER");
    log_path = getenv("KEIS_DISK_LOG");
    end = getenv("KEIS_DISK_END");
    trigger = getenv("KEIS_DISK_TRIGGER");
    fail = getenv("KEIS_DISK_FAIL");
    clock_file = getenv("KEIS_CLOCK_FILE");
    kill_at = number("KEIS_DISK_KILL");
    flip_at = number("KEIS_DISK_FLIP");
    seed = number("KEIS_DISK_SEED");
    delay = number("KEIS_DISK_DELAY");
    if (log_path) log_file = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pthread_t waits;
    if (end && trigger) pthread_create(&waits, NULL, wait_for_trigger, NULL);
}

static bool is_below(const char *path) { return folder && strncmp(path, folder, strlen(folder)) == 0; }

/* Whether the descriptor is a watched file or folder; its name and state if so. */
static bool watched(int fd, char *path, struct stat *state) {
    char link[64];
    if (!folder || fd <= STDERR_FILENO || fstat(fd, state) || !(S_ISREG(state->st_mode) || S_ISDIR(state->st_mode))) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return false;
    path[length] = 0;
    return is_below(path);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* A number that seed and index alone decide. */
static uint64_t drawn(size_t index) {
    uint64_t draw = (uint64_t)seed * 0x9E3779B97F4A7C15u + index * 0xBF58476D1CE4E5B9u;
    draw ^= draw >> 31;
    draw *= 0x94D049BB133111EBu;
    return draw >> 40;
}

static bool survives(size_t index) { return seed != 0 && (drawn(index) & 1); }

/* The power goes. */
static void cut(void) {
    for (size_t index = change_count; index-- > 0;) {
        struct change *change = &changes[index];
        if (change->old_length) real_pwrite(change->file, change->old, change->old_length, change->at);
        real_truncate(change->file, change->size_before);
    }
    for (size_t index = 0; index < change_count; index++) {
        struct change *change = &changes[index];
        if (!survives(index)) continue;
        if (change->cuts) real_truncate(change->file, change->at);
        else real_pwrite(change->file, change->new, change->new_length, change->at);
    }
    die();
}

/* A point is reached; the turn is held. Whether it is the last. */
static bool point(const char *what, const char *path) {
    char line[PATH_MAX + 64];
    points++;
    int length = snprintf(line, sizeof line, "%ld %s %s\n", points, what, path + strlen(folder));
    if (log_file >= 0) real_write(log_file, line, (size_t)length);
    bool last = end && kill_at && points == kill_at;
    if (last && strcmp(end, "cut") == 0) cut();
    if (last && strcmp(end, "torn") != 0) die();
    return last;
}

/* Remembers what a change is about to replace. */
static void remember(int fd, const struct stat *state, off_t at, const void *bytes, size_t length, bool cuts) {
    if (!end || strcmp(end, "cut") != 0) return;
    if (change_count == change_room) {
        change_room = change_room ? 2 * change_room : 256;
        changes = realloc(changes, change_room * sizeof *changes);
    }
    struct change *change = &changes[change_count];
    *change = (struct change){.file = -1, .device = state->st_dev, .inode = state->st_ino, .at = at, .cuts = cuts};
    for (size_t index = 0; index < change_count && change->file < 0; index++)
        if (changes[index].inode == state->st_ino && changes[index].device == state->st_dev) change->file = changes[index].file;
    if (change->file < 0) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        change->file = open(link, O_RDWR | O_CLOEXEC);
    }
    change->size_before = state->st_size;
    size_t old = state->st_size > at ? (size_t)(state->st_size - at) : 0;
    if (!cuts && old > length) old = length;
    change->old = malloc(old + 1);
    ssize_t read = old ? pread(change->file, change->old, old, at) : 0;
    change->old_length = read > 0 ? (size_t)read : 0;
    change->new = malloc(length + 1);
    if (length) memcpy(change->new, bytes, length);
    change->new_length = length;
    change_count++;
}

/* A sync of a file ends the danger for its changes. Its own descriptor goes with them. */
static void settle(const struct stat *state) {
    size_t kept = 0;
    int file = -1;
    for (size_t index = 0; index < change_count; index++) {
        if (changes[index].inode == state->st_ino && changes[index].device == state->st_dev) {
            file = changes[index].file;
            free(changes[index].old);
            free(changes[index].new);
        } else {
            changes[kept++] = changes[index];
        }
    }
    change_count = kept;
    if (file >= 0) close(file);
}

/* What is written instead of these bytes, where a bit of them flips. */
static char *flipped(const void *bytes, size_t length, off_t at, const char *path) {
    char what[64 + PATH_MAX];
    if (!flip_at || points < flip_at || has_flipped || !length) return NULL;
    has_flipped = true;
    char *other = malloc(length);
    uint64_t byte = drawn(0) % length, bit = drawn(1) % 8;
    memcpy(other, bytes, length);
    other[byte] ^= (char)(1 << bit);
    snprintf(what, sizeof what, "%s %llu %llu", path, (unsigned long long)at + byte, (unsigned long long)bit);
    point("flip", what);
    return other;
}

/* Writes by `pwrite` where `by_place`, else where the file stands. */
static ssize_t put(int fd, const void *bytes, size_t length, off_t at, bool by_place, const char *path, const struct stat *state) {
    bool last = point("write", path);
    remember(fd, state, at, bytes, length, false);
    if (last) {
        real_pwrite(fd, bytes, length / 2, at);
        die();
    }
    char *other = flipped(bytes, length, at, path);
    const void *now = other ? other : bytes;
    ssize_t done = by_place ? real_pwrite(fd, now, length, at) : real_write(fd, now, length);
    free(other);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    struct stat state;
    if (!watched(fd, path, &state)) return real_write(fd, bytes, length);
    pthread_mutex_lock(&turn);
    fstat(fd, &state);
    off_t at = fcntl(fd, F_GETFL) & O_APPEND ? state.st_size : lseek(fd, 0, SEEK_CUR);
    ssize_t done = put(fd, bytes, length, at, false, path, &state);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    struct stat state;
    if (!watched(fd, path, &state)) return real_writev(fd, parts, count);
    /* Fewer bytes than asked for is a sound answer: the rest comes again. */
    for (int part = 0; part < count; part++)
        if (parts[part].iov_len) return write(fd, parts[part].iov_base, parts[part].iov_len);
    return 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    char path[PATH_MAX];
    struct stat state;
    if (!watched(fd, path, &state)) return real_pwrite(fd, bytes, length, at);
    pthread_mutex_lock(&turn);
    fstat(fd, &state);
    ssize_t done = put(fd, bytes, length, at, true, path, &state);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate64(int fd, off_t size) {
    char path[PATH_MAX];
    struct stat state;
    if (!watched(fd, path, &state)) return real_truncate(fd, size);
    pthread_mutex_lock(&turn);
    fstat(fd, &state);
    if (point("resize", path)) die();
    remember(fd, &state, size, NULL, 0, true);
    int done = real_truncate(fd, size);
    pthread_mutex_unlock(&turn);
    return done;
}

static int sync_file(int fd, int (*real)(int)) {
    char path[PATH_MAX];
    struct stat state;
    if (!watched(fd, path, &state)) return real(fd);
    if (delay) usleep((useconds_t)delay);
    pthread_mutex_lock(&turn);
    if (point("sync", path)) die();
    size_t length = strlen(path), ending = fail ? strlen(fail) : 0;
    if (fail && !has_failed && trigger && access(trigger, F_OK) == 0 && length >= ending && strcmp(path + length - ending, fail) == 0) {
        has_failed = true;
        point("fail", path);
        pthread_mutex_unlock(&turn);
        errno = EIO;
        return -1;
    }
    int done = real(fd);
    if (done == 0) settle(&state);
    pthread_mutex_unlock(&turn);
    return done;
}

int fsync(int fd) { return sync_file(fd, real_fsync); }

int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }

int rename(const char *from, const char *to) {
    if (!is_below(to)) return real_rename(from, to);
    pthread_mutex_lock(&turn);
    if (point("rename", to)) die();
    int done = real_rename(from, to);
    pthread_mutex_unlock(&turn);
    return done;
}

int unlink(const char *path) {
    if (!is_below(path)) return real_unlink(path);
    pthread_mutex_lock(&turn);
    if (point("remove", path)) die();
    int done = real_unlink(path);
    pthread_mutex_unlock(&turn);
    return done;
}

/* The machine's time, without this library's own changes. */
static int machine_time(clockid_t which, struct timespec *time) { return (int)syscall(SYS_clock_gettime, which, time); }

static long seconds_off(void) {
    static _Atomic long off, read_at = LONG_MIN;
    struct timespec now;
    machine_time(CLOCK_MONOTONIC, &now);
    long moment = now.tv_sec * 10 + now.tv_nsec / 100000000;
    if (moment != read_at) {
        char text[32] = {0};
        int file = open(clock_file, O_RDONLY | O_CLOEXEC);
        if (file >= 0 && read(file, text, sizeof text - 1) > 0) off = atol(text);
        if (file >= 0) close(file);
        read_at = moment;
    }
    return off;
}

int clock_gettime(clockid_t which, struct timespec *time) {
    int done = machine_time(which, time);
    if (done == 0 && clock_file && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) time->tv_sec += seconds_off();
    return done;
}
