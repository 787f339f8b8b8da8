#include "following-thread.h"

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

bool start_following(struct following_thread *follower, const unsigned char *content,
	work_on_part *work, void *context)
{
	*follower = (struct following_thread){
		.work = work,
		.context = context,
		.content = content,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	return pthread_create(&follower->thread, NULL, follow, follower) == 0;
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
