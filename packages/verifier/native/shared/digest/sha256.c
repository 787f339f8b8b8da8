/* Computes SHA-256. On x86-64 the SHA instructions are used if the processor has them: the program
 * of Node.js (100 MB) takes 0.06 s with these instructions and 0.7 s without them. */
#include "sha256.h"
#include "../process/decisions.h"
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8, ROUNDS = 64 };

/* Updates `state` with `blocks` whole blocks of 64 bytes from `data` (FIPS 180-4, section
 * 6.2.2). */
typedef void add_blocks(uint32_t state[8], const uint8_t *data, size_t blocks);

static const uint32_t K[ROUNDS] = {
	/* These are the constants of FIPS 180-4, section 4.2.2. */
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate_right(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* The next six functions are those of FIPS 180-4, section 4.1.2. */
static uint32_t ch(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) ^ (~x & z);
}

static uint32_t maj(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) ^ (x & z) ^ (y & z);
}

static uint32_t big_sigma_0(uint32_t x)
{
	return rotate_right(x, 2) ^ rotate_right(x, 13) ^ rotate_right(x, 22);
}

static uint32_t big_sigma_1(uint32_t x)
{
	return rotate_right(x, 6) ^ rotate_right(x, 11) ^ rotate_right(x, 25);
}

static uint32_t small_sigma_0(uint32_t x)
{
	return rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
}

static uint32_t small_sigma_1(uint32_t x)
{
	return rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
}

static uint32_t read_big_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void portable_blocks(uint32_t state[8], const uint8_t *data, size_t blocks)
{
	for (size_t block = 0; block < blocks; block++) {
		const uint8_t *bytes = data + block * BLOCK_BYTES;
		uint32_t w[ROUNDS];
		for (int t = 0; t < 16; t++)
			w[t] = read_big_endian(bytes + 4 * t);
		for (int t = 16; t < ROUNDS; t++)
			w[t] = small_sigma_1(w[t - 2]) + w[t - 7] + small_sigma_0(w[t - 15]) + w[t - 16];

		uint32_t a = state[0];
		uint32_t b = state[1];
		uint32_t c = state[2];
		uint32_t d = state[3];
		uint32_t e = state[4];
		uint32_t f = state[5];
		uint32_t g = state[6];
		uint32_t h = state[7];
		for (int t = 0; t < ROUNDS; t++) {
			const uint32_t t1 = h + big_sigma_1(e) + ch(e, f, g) + K[t] + w[t];
			const uint32_t t2 = big_sigma_0(a) + maj(a, b, c);
			h = g;
			g = f;
			f = e;
			e = d + t1;
			d = c;
			c = b;
			b = a;
			a = t1 + t2;
		}
		state[0] += a;
		state[1] += b;
		state[2] += c;
		state[3] += d;
		state[4] += e;
		state[5] += f;
		state[6] += g;
		state[7] += h;
	}
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Computes what portable_blocks() computes, with the instructions SHA-NI (Intel SDM, SHA256RNDS2).
 * Each iteration does four rounds. `w` is a ring buffer of the last sixteen words, four in each
 * register. The instructions need the words a to h of the state in two registers, in the orders
 * ABEF and CDGH, with the first letter in the highest lane. */
__attribute__((target("sha,sse4.1,ssse3"))) static void sha_ni_blocks(
	uint32_t state[8], const uint8_t *data, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
	__m128i abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
	__m128i cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
	for (size_t block = 0; block < blocks; block++) {
		const __m128i *words = (const __m128i *)(data + block * BLOCK_BYTES);
		const __m128i abef_before = abef;
		const __m128i cdgh_before = cdgh;
		__m128i w[4];
		/* So `w` stays in registers, which saves a fifth of the time. */
#pragma GCC unroll 16
		for (int i = 0; i < ROUNDS / 4; i++) {
			__m128i *next = &w[i & 3];
			if (i < 4)
				*next = _mm_shuffle_epi8(_mm_loadu_si128(words + i), swap);
			else {
				const __m128i after = w[(i + 1) & 3];
				const __m128i before = w[(i + 3) & 3];
				const __m128i seventh = _mm_alignr_epi8(before, w[(i + 2) & 3], 4);
				const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*next, after), seventh);
				*next = _mm_sha256msg2_epu32(sum, before);
			}
			const __m128i constants = _mm_loadu_si128((const __m128i *)(K + 4 * i));
			const __m128i sum = _mm_add_epi32(*next, constants);
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}

	uint32_t feba[4];
	uint32_t hgdc[4];
	_mm_storeu_si128((__m128i *)feba, abef);
	_mm_storeu_si128((__m128i *)hgdc, cdgh);
	state[0] = feba[3];
	state[1] = feba[2];
	state[2] = hgdc[3];
	state[3] = hgdc[2];
	state[4] = feba[1];
	state[5] = feba[0];
	state[6] = hgdc[1];
	state[7] = hgdc[0];
}

static bool has_sha_ni(void)
{
	if (!__builtin_cpu_supports("sse4.1"))
		return false;
	unsigned a, b, c, d;
	const int is_leaf = __get_cpuid_count(7, 0, &a, &b, &c, &d);
	return is_leaf && (b & bit_SHA);
}

/* Asks the processor once. In a virtual machine the instruction CPUID leaves to the hypervisor,
 * which takes longer than to digest a small file. */
static add_blocks *fastest_blocks(void)
{
	static DECIDES add_blocks *_Atomic fastest;
	if (fastest == NULL)
		fastest = has_sha_ni() ? sha_ni_blocks : portable_blocks;
	return fastest;
}
#else
static add_blocks *fastest_blocks(void)
{
	return portable_blocks;
}
#endif

/* The initial state (FIPS 180-4, section 5.3.3). */
static const uint32_t INITIAL[8] = {
	0x6a09e667,
	0xbb67ae85,
	0x3c6ef372,
	0xa54ff53a,
	0x510e527f,
	0x9b05688c,
	0x1f83d9ab,
	0x5be0cd19,
};

void sha256_begin(struct sha256 *sum)
{
	memcpy(sum->state, INITIAL, sizeof INITIAL);
	sum->kept_count = 0;
	sum->total = 0;
}

/* Adds bytes to those that are kept, until they fill a block. Returns the number of bytes taken. */
static size_t fill_block(struct sha256 *sum, const uint8_t *bytes, size_t length)
{
	const size_t room = BLOCK_BYTES - sum->kept_count;
	const size_t taken = length < room ? length : room;
	memcpy(sum->kept + sum->kept_count, bytes, taken);
	sum->kept_count += taken;
	if (sum->kept_count == BLOCK_BYTES) {
		fastest_blocks()(sum->state, sum->kept, 1);
		sum->kept_count = 0;
	}
	return taken;
}

void sha256_add(struct sha256 *sum, const void *data, size_t length)
{
	const uint8_t *bytes = data;
	const uint8_t *const end = bytes + length;
	sum->total += length;
	if (sum->kept_count > 0)
		bytes += fill_block(sum, bytes, length);
	const size_t blocks = (size_t)(end - bytes) / BLOCK_BYTES;
	fastest_blocks()(sum->state, bytes, blocks);
	bytes += blocks * BLOCK_BYTES;
	fill_block(sum, bytes, (size_t)(end - bytes));
}

/* Adds the padding (FIPS 180-4, section 5.1.1): a bit 1, zeros, and the number of all bits. */
static void add_padding(struct sha256 *sum)
{
	const bool fits = sum->kept_count + 1 + LENGTH_BYTES <= BLOCK_BYTES;
	const size_t padded = fits ? BLOCK_BYTES : 2 * BLOCK_BYTES;
	const uint64_t bits = sum->total * 8;
	memset(sum->kept + sum->kept_count, 0, padded - sum->kept_count);
	sum->kept[sum->kept_count] = 0x80;
	for (size_t i = 0; i < LENGTH_BYTES; i++)
		sum->kept[padded - 1 - i] = (uint8_t)(bits >> 8 * i);
	fastest_blocks()(sum->state, sum->kept, padded / BLOCK_BYTES);
}

void sha256_end(struct sha256 *sum, uint8_t digest[SHA256_BYTES])
{
	add_padding(sum);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		digest[i] = (uint8_t)(sum->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_bytes(const void *bytes, size_t length, uint8_t digest[SHA256_BYTES])
{
	struct sha256 sum;
	sha256_begin(&sum);
	sha256_add(&sum, bytes, length);
	sha256_end(&sum, digest);
}

int sha256_file(int descriptor, char hex[SHA256_HEX + 1])
{
	static uint8_t buffer[1 << 18];
	struct sha256 sum;
	uint8_t digest[SHA256_BYTES];
	sha256_begin(&sum);
	for (;;) {
		const ssize_t got = pread(descriptor, buffer, sizeof buffer, (off_t)sum.total);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		sha256_add(&sum, buffer, (size_t)got);
	}
	sha256_end(&sum, digest);
	to_hex(digest, hex);
	return 0;
}
