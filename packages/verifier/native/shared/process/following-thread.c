#include "following-thread.h"
#include <stdatomic.h>

static void *follow(void *given)
{
	struct following_thread *follower = given;
	size_t done = 0;
	bool has_ended = false;
	while (!has_ended) {
		pthread_mutex_lock(&follower->lock);
		while (follower->filled == done && !follower->has_ended)
			pthread_cond_wait(&follower->changed, &follower->lock);
		const size_t filled = follower->filled;
		has_ended = follower->has_ended;
		pthread_mutex_unlock(&follower->lock);
		follower->work(follower->context, follower->content + done, filled - done);
		done = filled;
	}
	return NULL;
}

/* A thread that is refused has been asked for during half a second (gate/threads.c). A program that
 * has reached a limit would wait as long for each file. So after a refusal none is asked for. */
static atomic_bool was_refused;

bool start_following(struct following_thread *follower, const unsigned char *content,
	work_on_part *work, void *context)
{
	if (atomic_load(&was_refused))
		return false;
	*follower = (struct following_thread){
		.work = work,
		.context = context,
		.content = content,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	const bool is_started = pthread_create(&follower->thread, NULL, follow, follower) == 0;
	if (!is_started)
		atomic_store(&was_refused, true);
	return is_started;
}

/* Changes what the thread waits for, and wakes it. */
static void change(struct following_thread *follower, size_t added, bool has_ended)
{
	pthread_mutex_lock(&follower->lock);
	follower->filled += added;
	follower->has_ended = has_ended;
	pthread_cond_signal(&follower->changed);
	pthread_mutex_unlock(&follower->lock);
}

void hand_over(struct following_thread *follower, size_t added)
{
	change(follower, added, false);
}

void stop_following(struct following_thread *follower)
{
	change(follower, 0, true);
	pthread_join(follower->thread, NULL);
}
