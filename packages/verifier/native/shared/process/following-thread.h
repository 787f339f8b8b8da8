/* A thread that works through memory while the calling thread fills it, from its beginning to its
 * end. */
#ifndef SIGTOOL_FOLLOWING_THREAD_H
#define SIGTOOL_FOLLOWING_THREAD_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Works on `size` bytes at `part`. `context` is what start_following() was given. */
typedef void work_on_part(void *context, const unsigned char *part, size_t size);

/* Must stay where it is until stop_following(). */
struct following_thread {
	pthread_t thread;
	work_on_part *work;
	void *context;
	const unsigned char *content;
	/* `lock` guards the members below, and a change of either signals `changed`. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t filled; /* the number of bytes of `content` that can be worked on */
	bool has_ended;
};

/* Starts the thread. Returns false if the system refuses one more, or has refused one before, so
 * that the caller has to do the work itself. */
bool start_following(struct following_thread *follower, const unsigned char *content,
	work_on_part *work, void *context);

/* Hands the next `added` bytes of the content over. They must not change any more. */
void hand_over(struct following_thread *follower, size_t added);

/* Waits until the thread has worked on all that was handed over, and ends it. */
void stop_following(struct following_thread *follower);

#endif
