/* SHA-256 (FIPS 180-4) of a file, by the processor's own instructions where it has them: node is
 * 100 MB. */
#include "launch.h"
#include <string.h>
#include <unistd.h>

static const uint32_t K[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
	0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
	0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3,
	0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
	0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
	0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
	0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
	0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}
static void portable_blocks(uint32_t state[8], const uint8_t *data, size_t blocks)
{
	for (; blocks > 0; blocks--, data += 64) {
		uint32_t w[64], s[8];
		for (int i = 0; i < 16; i++)
			w[i] = (uint32_t)data[4 * i] << 24 | data[4 * i + 1] << 16 | data[4 * i + 2] << 8 |
				   data[4 * i + 3];
		for (int i = 16; i < 64; i++)
			w[i] = w[i - 16] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
				   w[i - 7] + (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
		memcpy(s, state, sizeof s);
		for (int i = 0; i < 64; i++) {
			uint32_t t1 = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
						  ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
			uint32_t t2 = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) +
						  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
			memmove(s + 1, s, 7 * sizeof *s);
			s[4] += t1;
			s[0] = t1 + t2;
		}
		for (int i = 0; i < 8; i++)
			state[i] += s[i];
	}
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Four rounds an iteration; `w` is a ring of the last sixteen words. State is kept as ABEF and
 * CDGH, as the instructions want it. */
__attribute__((target("sha,sse4.1,ssse3"))) static void sha_ni_blocks(
	uint32_t state[8], const uint8_t *data, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
	__m128i abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
	__m128i cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
	for (; blocks > 0; blocks--, data += 64) {
		__m128i w[4], first = abef, second = cdgh;
		for (int i = 0; i < 16; i++) {
			__m128i *next = &w[i & 3];
			if (i < 4)
				*next = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data + i), swap);
			else {
				__m128i seventh = _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4);
				*next = _mm_sha256msg2_epu32(
					_mm_add_epi32(_mm_sha256msg1_epu32(*next, w[(i + 1) & 3]), seventh),
					w[(i + 3) & 3]);
			}
			__m128i sum = _mm_add_epi32(*next, _mm_loadu_si128((const __m128i *)(K + 4 * i)));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
		}
		abef = _mm_add_epi32(abef, first);
		cdgh = _mm_add_epi32(cdgh, second);
	}
	uint32_t s[8]; /* F E B A H G D C */
	_mm_storeu_si128((__m128i *)s, abef);
	_mm_storeu_si128((__m128i *)s + 1, cdgh);
	memcpy(state, (uint32_t[8]){s[3], s[2], s[7], s[6], s[1], s[0], s[5], s[4]}, 32);
}

static int has_sha_ni(void)
{
	unsigned a, b, c, d;
	return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
		   (b & bit_SHA);
}
#else
#define has_sha_ni() 0
#define sha_ni_blocks portable_blocks
#endif

int sha256_file(int descriptor, char hex[SHA256_HEX + 1])
{
	static uint8_t buffer[1 << 18];
	void (*add)(uint32_t *, const uint8_t *, size_t) =
		has_sha_ni() ? sha_ni_blocks : portable_blocks;
	uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
		0x1f83d9ab, 0x5be0cd19};
	uint64_t size = 0;
	size_t kept = 0; /* bytes of a block that is not whole yet */
	for (ssize_t got;
		(got = pread(descriptor, buffer + kept, sizeof buffer - 128 - kept, (off_t)size)) != 0;) {
		if (got < 0)
			return -1;
		size += (uint64_t)got;
		kept += (size_t)got;
		add(state, buffer, kept / 64);
		memmove(buffer, buffer + kept / 64 * 64, kept % 64);
		kept %= 64;
	}
	const size_t padded = kept < 56 ? 64 : 128;
	memset(buffer + kept, 0, padded - kept);
	buffer[kept] = 0x80;
	for (size_t i = 0; i < 8; i++)
		buffer[padded - 1 - i] = (uint8_t)(size * 8 >> 8 * i);
	add(state, buffer, padded / 64);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		buffer[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
	to_hex(buffer, hex);
	return 0;
}
