/* Files written whole: what is replaced, what is written to as it is. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { BEFORE = 5000, ROOM = 160 };

static const char after[] = "what comes after";

struct place {
    char folder[64], file[96];
};

/* A folder there, or a skipped test. */
static struct place place_new(const char *where) {
    struct place p;
    snprintf(p.folder, sizeof p.folder, "%s/nbq-test-XXXXXX", where);
    if (!mkdtemp(p.folder)) skip();
    snprintf(p.file, sizeof p.file, "%s/out", p.folder);
    return p;
}

static void place_free(const struct place *p) {
    unlink(p->file);
    assert_int_equal(rmdir(p->folder), 0); /* no temporary has stayed */
}

static void assert_holds(struct ctx *c, const char *path, const void *data, size_t size) {
    struct file_view v;
    assert_true(file_map(c, path, &v));
    assert_int_equal(v.size, size);
    assert_memory_equal(v.data, data, size);
}

static ino_t inode_of(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

/* A new file, then a shorter one in its place; whoever has the old one open still reads that. */
static void replaces_in(const char *where) {
    struct place p = place_new(where);
    TEST_CTX(c);
    char before[BEFORE];
    memset(before, 'b', sizeof before);
    assert_true(file_check_write(&c, p.file));
    assert_true(file_replace(&c, p.file, before, sizeof before));
    assert_holds(&c, p.file, before, sizeof before);
    int old = open(p.file, O_RDONLY);
    assert_true(old >= 0);
    ino_t inode = inode_of(p.file);
    assert_true(file_check_write(&c, p.file));
    assert_true(file_replace(&c, p.file, after, sizeof after));
    assert_holds(&c, p.file, after, sizeof after);
    assert_true(inode_of(p.file) != inode);
    char still[BEFORE];
    assert_int_equal(read(old, still, sizeof still), sizeof still);
    assert_memory_equal(still, before, sizeof before);
    close(old);
    ctx_free(&c);
    place_free(&p);
}

static void test_replaced(void **state) {
    (void)state;
    replaces_in("/tmp");
}

/* Regular files, though their name starts like a device's. */
static void test_shared_memory(void **state) {
    (void)state;
    replaces_in("/dev/shm");
}

static void test_fifo(void **state) {
    (void)state;
    struct place p = place_new("/tmp");
    TEST_CTX(c);
    assert_int_equal(mkfifo(p.file, 0600), 0);
    int reader = open(p.file, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_true(file_check_write(&c, p.file));
    assert_true(file_replace(&c, p.file, after, sizeof after));
    char got[sizeof after];
    assert_int_equal(read(reader, got, sizeof got), sizeof got);
    assert_memory_equal(got, after, sizeof got);
    struct stat st;
    assert_int_equal(stat(p.file, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    close(reader);
    ctx_free(&c);
    place_free(&p);
}

static void test_device(void **state) {
    (void)state;
    TEST_CTX(c);
    assert_true(file_check_write(&c, "/dev/null"));
    assert_true(file_replace(&c, "/dev/null", after, sizeof after));
    struct stat st;
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    ctx_free(&c);
}

/* The file behind an open descriptor is written to, by every name it has. */
static void test_descriptor(void **state) {
    static const char *const folders[] = {"/dev/fd", "/proc/self/fd"};
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct place p = place_new("/tmp");
        TEST_CTX(c);
        int fd = open(p.file, O_RDWR | O_CREAT, 0600);
        assert_true(fd >= 0);
        ino_t inode = inode_of(p.file);
        char name[ROOM];
        snprintf(name, sizeof name, "%s/%d", folders[i], fd);
        assert_true(file_check_write(&c, name));
        assert_true(file_replace(&c, name, after, sizeof after));
        assert_true(inode_of(p.file) == inode);
        assert_holds(&c, p.file, after, sizeof after);
        close(fd);
        ctx_free(&c);
        place_free(&p);
    }
}

static void test_refused(void **state) {
    (void)state;
    struct place p = place_new("/tmp");
    TEST_CTX(c);
    char name[ROOM];
    snprintf(name, sizeof name, "%s/none/out", p.folder);
    assert_false(file_check_write(&c, name));
    assert_false(file_replace(&c, name, after, sizeof after));
    assert_false(file_check_write(&c, p.folder));
    assert_int_equal(c.errors, 3);
    ctx_free(&c);
    place_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced),   cmocka_unit_test(test_shared_memory),
        cmocka_unit_test(test_fifo),       cmocka_unit_test(test_device),
        cmocka_unit_test(test_descriptor), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
