#include "sha-ni.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA_NI __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE static inline __attribute__((always_inline)) WITH_SHA_NI

enum { ROUNDS = 64, ROUNDS_AT_ONCE = 4 };

/* A digest that is being computed. The words a to h of the state are in two registers, in the order
 * that SHA256RNDS2 needs (Intel SDM), with the first letter in the highest quarter. `words` is a
 * ring buffer of the last sixteen words of the message schedule. */
struct stream {
	__m128i abef;
	__m128i cdgh;
	__m128i words[4];
};

/* The constants of FIPS 180-4, section 4.2.2. */
static const uint32_t CONSTANTS[ROUNDS] __attribute__((aligned(16))) = {0x428a2f98, 0x71374491,
	0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
	0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
	0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138,
	0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
	0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f,
	0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

bool has_sha_ni(void)
{
	unsigned a, b, c, d;
	const bool has_leaf = __get_cpuid_count(7, 0, &a, &b, &c, &d);
	return has_leaf && (b & bit_SHA) && __builtin_cpu_supports("sse4.1");
}

INLINE struct stream load(const uint32_t state[SHA256_WORDS])
{
	const uint32_t *s = state;
	return (struct stream){
		.abef = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]),
		.cdgh = _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]),
	};
}

INLINE void store(const struct stream *stream, uint32_t state[SHA256_WORDS])
{
	state[0] = (uint32_t)_mm_extract_epi32(stream->abef, 3);
	state[1] = (uint32_t)_mm_extract_epi32(stream->abef, 2);
	state[2] = (uint32_t)_mm_extract_epi32(stream->cdgh, 3);
	state[3] = (uint32_t)_mm_extract_epi32(stream->cdgh, 2);
	state[4] = (uint32_t)_mm_extract_epi32(stream->abef, 1);
	state[5] = (uint32_t)_mm_extract_epi32(stream->abef, 0);
	state[6] = (uint32_t)_mm_extract_epi32(stream->cdgh, 1);
	state[7] = (uint32_t)_mm_extract_epi32(stream->cdgh, 0);
}

/* Returns four words of the message schedule: the words of the block, then those that are computed
 * from the sixteen words before. Words in a block are big-endian. */
INLINE __m128i next_words(const struct stream *stream, const uint8_t *block, int group)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	if (group < 4)
		return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block + group), big_endian);
	const __m128i first = stream->words[group % 4];
	const __m128i second = stream->words[(group + 1) % 4];
	const __m128i third = stream->words[(group + 2) % 4];
	const __m128i fourth = stream->words[(group + 3) % 4];
	const __m128i seventh_last = _mm_alignr_epi8(fourth, third, 4);
	const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(first, second), seventh_last);
	return _mm_sha256msg2_epu32(sum, fourth);
}

INLINE void four_rounds(struct stream *stream, const uint8_t *block, int group)
{
	const __m128i words = next_words(stream, block, group);
	const __m128i *constants = (const __m128i *)CONSTANTS;
	const __m128i sum = _mm_add_epi32(words, _mm_load_si128(constants + group));
	stream->words[group % 4] = words;
	stream->cdgh = _mm_sha256rnds2_epu32(stream->cdgh, stream->abef, sum);
	stream->abef = _mm_sha256rnds2_epu32(stream->abef, stream->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

INLINE void add_state(struct stream *stream, const struct stream *before)
{
	stream->abef = _mm_add_epi32(stream->abef, before->abef);
	stream->cdgh = _mm_add_epi32(stream->cdgh, before->cdgh);
}

WITH_SHA_NI void add_blocks(uint32_t state[SHA256_WORDS], const uint8_t *content, size_t blocks)
{
	struct stream stream = load(state);
	for (size_t i = 0; i < blocks; i++, content += BLOCK_BYTES) {
		const struct stream before = stream;
		/* Unrolled, the words stay in registers. */
#pragma GCC unroll 16
		for (int group = 0; group < ROUNDS / ROUNDS_AT_ONCE; group++)
			four_rounds(&stream, content, group);
		add_state(&stream, &before);
	}
	store(&stream, state);
}

WITH_SHA_NI void add_blocks_to_two(
	uint32_t *const states[2], const uint8_t *const contents[2], size_t blocks)
{
	struct stream one = load(states[0]);
	struct stream other = load(states[1]);
	for (size_t i = 0; i < blocks; i++) {
		const struct stream one_before = one;
		const struct stream other_before = other;
#pragma GCC unroll 16
		for (int group = 0; group < ROUNDS / ROUNDS_AT_ONCE; group++) {
			four_rounds(&one, contents[0] + i * BLOCK_BYTES, group);
			four_rounds(&other, contents[1] + i * BLOCK_BYTES, group);
		}
		add_state(&one, &one_before);
		add_state(&other, &other_before);
	}
	store(&one, states[0]);
	store(&other, states[1]);
}

#else

bool has_sha_ni(void)
{
	return false;
}

void add_blocks(uint32_t state[SHA256_WORDS], const uint8_t *content, size_t blocks)
{
	(void)state, (void)content, (void)blocks;
}

void add_blocks_to_two(uint32_t *const states[2], const uint8_t *const contents[2], size_t blocks)
{
	(void)states, (void)contents, (void)blocks;
}

#endif
