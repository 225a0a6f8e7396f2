/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "dlhook.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef void *dlsym_fn(void *handle, const char *name);
typedef void *dlvsym_fn(void *handle, const char *name, const char *version);

/* The C library's, for the jumps below: set before they are used. */
__attribute__((visibility("hidden"))) dlsym_fn *dlhook_dlsym;
__attribute__((visibility("hidden"))) dlvsym_fn *dlhook_dlvsym;

/* --- the C library's table of symbols --- */

/* What an object says of its symbols. */
struct symbols {
	uintptr_t base;
	const ElfW(Sym) * table;
	const char *names;
	const uint32_t *gnu_hash, *hash;
	const ElfW(Half) * versions; /* or NULL */
	const char *soname;
};

/* Addresses in the dynamic section are relocated by some C libraries, and not by
 * others.
 */
static const void *address(const struct symbols *symbols, ElfW(Addr) value)
{
	return (const void *)(value < symbols->base ? value + symbols->base : value);
}

static void read_entry(struct symbols *symbols, const ElfW(Dyn) * entry)
{
	const void *at = address(symbols, entry->d_un.d_ptr);

	switch (entry->d_tag) {
	case DT_SYMTAB:
		symbols->table = at;
		break;
	case DT_STRTAB:
		symbols->names = at;
		break;
	case DT_GNU_HASH:
		symbols->gnu_hash = at;
		break;
	case DT_HASH:
		symbols->hash = at;
		break;
	case DT_VERSYM:
		symbols->versions = at;
		break;
	}
}

static bool read_symbols(struct symbols *symbols, const struct dl_phdr_info *object)
{
	const ElfW(Dyn) *dynamic = NULL, *soname = NULL;

	*symbols = (struct symbols){ .base = object->dlpi_addr };
	for (int i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		read_entry(symbols, dynamic);
		if (dynamic->d_tag == DT_SONAME)
			soname = dynamic;
	}
	if (soname && symbols->names)
		symbols->soname = symbols->names + soname->d_un.d_val;
	return symbols->table && symbols->names && symbols->soname;
}

/* Is symbol INDEX the function NAME, in its default version? */
static bool is_function(const struct symbols *symbols, uint32_t index, const char *name)
{
	const ElfW(Sym) *symbol = symbols->table + index;

	return symbol->st_shndx != SHN_UNDEF && (symbol->st_info & 0xf) == STT_FUNC &&
	       !(symbols->versions && symbols->versions[index] & 0x8000) &&
	       strcmp(symbols->names + symbol->st_name, name) == 0;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* DT_GNU_HASH: buckets, first symbol, words of the filter and its shift; the filter;
 * the first symbol of each bucket; the hashes, the last of a bucket with bit 0 set.
 */
static uint32_t by_gnu_hash(const struct symbols *symbols, const char *name)
{
	const uint32_t *head = symbols->gnu_hash;
	uint32_t count = head[0], first = head[1], words = head[2];
	const uint32_t *buckets = (const uint32_t *)((const ElfW(Addr) *)(head + 4) + words);
	const uint32_t *chain = buckets + count;
	uint32_t hash = gnu_hash(name), index = count ? buckets[hash % count] : 0;

	if (index < first)
		return 0;
	for (;; index++) {
		if ((chain[index - first] | 1) == (hash | 1) && is_function(symbols, index, name))
			return index;
		if (chain[index - first] & 1)
			return 0;
	}
}

/* DT_HASH says how many symbols there are; two are searched once, so one by one. */
static uint32_t by_count(const struct symbols *symbols, const char *name)
{
	for (uint32_t i = 1; i < symbols->hash[1]; i++)
		if (is_function(symbols, i, name))
			return i;
	return 0;
}

static void *lookup(const struct symbols *symbols, const char *name)
{
	uint32_t index = 0;

	if (symbols->gnu_hash)
		index = by_gnu_hash(symbols, name);
	else if (symbols->hash)
		index = by_count(symbols, name);
	return index ? (void *)(symbols->base + symbols->table[index].st_value) : NULL;
}

struct found {
	void *dlsym, *dlvsym;
};

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* The C library has them, or libdl beside it before glibc 2.34. */
static int visit(struct dl_phdr_info *object, size_t size, void *arg)
{
	struct found *found = arg;
	struct symbols symbols;

	(void)size;
	if (!read_symbols(&symbols, object) ||
	    (!starts_with(symbols.soname, "libc.") && !starts_with(symbols.soname, "libdl.")))
		return 0;
	if (!found->dlsym)
		found->dlsym = lookup(&symbols, "dlsym");
	if (!found->dlvsym)
		found->dlvsym = lookup(&symbols, "dlvsym");
	return found->dlsym && found->dlvsym;
}

static void *no_dlsym(void *handle, const char *name)
{
	(void)handle;
	(void)name;
	return NULL;
}

static void *no_dlvsym(void *handle, const char *name, const char *version)
{
	(void)handle;
	(void)name;
	(void)version;
	return NULL;
}

/* Two threads may do this at once: both find the same. */
static void find_real(void)
{
	struct found found = { 0 };

	if (__atomic_load_n(&dlhook_dlvsym, __ATOMIC_ACQUIRE))
		return;
	dl_iterate_phdr(visit, &found);
	__atomic_store_n(&dlhook_dlsym, found.dlsym ? (dlsym_fn *)found.dlsym : no_dlsym,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&dlhook_dlvsym, found.dlvsym ? (dlvsym_fn *)found.dlvsym : no_dlvsym,
			 __ATOMIC_RELEASE);
}

/* Not the last call of these functions: RTLD_NEXT is to mean this library, not theirs. */
void *dlhook_real_dlsym(void *handle, const char *name)
{
	void *volatile found;

	find_real();
	found = dlhook_dlsym(handle, name);
	return found;
}

void *dlhook_real_dlvsym(void *handle, const char *name, const char *version)
{
	void *volatile found;

	find_real();
	found = dlhook_dlvsym(handle, name, version);
	return found;
}

/* --- what is ours --- */

/* A handle of this library. */
static void *self(void)
{
	static _Atomic(void *) handle;
	void *own = handle;
	Dl_info info;

	if (!own && dladdr((void *)self, &info) && info.dli_fname)
		handle = own = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	return own;
}

static bool starts_with_any(const char *text, const char *const starts[])
{
	for (int i = 0; starts[i]; i++)
		if (starts_with(text, starts[i]))
			return true;
	return false;
}

static bool is_hooked(const void *function)
{
	const char *name, *slash;
	Dl_info info;

	if (!dladdr(function, &info) || !info.dli_fname)
		return false;
	slash = strrchr(info.dli_fname, '/');
	name = slash ? slash + 1 : info.dli_fname;
	return starts_with_any(name, dlhook_names.libraries);
}

/* Our NAME; what has no version with us is there in any but the oldest. */
static void *own(const char *name, const char *version)
{
	void *handle = self(), *found = NULL;

	if (!handle)
		return NULL;
	if (version)
		found = dlhook_real_dlvsym(handle, name, version);
	if (!found && !(version && strcmp(version, "IBVERBS_1.0") == 0))
		found = dlhook_real_dlsym(handle, name);
	return found;
}

/* NAME of a library that is preloaded behind this one, whose hook is never called. */
static void *behind(const char *name, const char *version)
{
	return version ? dlhook_real_dlvsym(RTLD_NEXT, name, version)
		       : dlhook_real_dlsym(RTLD_NEXT, name);
}

/* What dlsym() or, with VERSION, dlvsym() is to return; NULL: what the C library's does. */
__attribute__((visibility("hidden"), used)) void *dlhook_find(void *handle, const char *name,
							      const char *version);
void *dlhook_find(void *handle, const char *name, const char *version)
{
	void *found;

	find_real();
	if (!name || handle == RTLD_NEXT || handle == RTLD_DEFAULT ||
	    !starts_with_any(name, dlhook_names.prefixes))
		return NULL;
	found = version ? dlhook_real_dlvsym(handle, name, version)
			: dlhook_real_dlsym(handle, name);
	if (!found || !is_hooked(found))
		return NULL;
	found = own(name, version);
	return found ? found : behind(name, version);
}

/* --- the functions --- */

/* Keep the arguments, ask dlhook_find(), return what it says or jump on. */
/* clang-format off */
#if defined(__x86_64__)
#define HOOK(name, clear_version)                         \
	__asm__(".text\n"                                 \
		".p2align 4\n"                            \
		".globl " #name "\n"                      \
		".type " #name ", @function\n"            \
		#name ":\n"                               \
		"	.cfi_startproc\n"                 \
		"	endbr64\n"                        \
		"	push %rdi\n"                      \
		"	.cfi_adjust_cfa_offset 8\n"       \
		"	push %rsi\n"                      \
		"	.cfi_adjust_cfa_offset 8\n"       \
		"	push %rdx\n"                      \
		"	.cfi_adjust_cfa_offset 8\n"       \
		clear_version                             \
		"	call dlhook_find\n"               \
		"	pop %rdx\n"                       \
		"	.cfi_adjust_cfa_offset -8\n"      \
		"	pop %rsi\n"                       \
		"	.cfi_adjust_cfa_offset -8\n"      \
		"	pop %rdi\n"                       \
		"	.cfi_adjust_cfa_offset -8\n"      \
		"	test %rax, %rax\n"                \
		"	jnz 1f\n"                         \
		"	jmp *dlhook_" #name "(%rip)\n"    \
		"1:	ret\n"                            \
		"	.cfi_endproc\n"                   \
		".size " #name ", . - " #name "\n")

HOOK(dlsym, "	xor %edx, %edx\n");
HOOK(dlvsym, "");
#elif defined(__aarch64__)
#define HOOK(name, clear_version)                         \
	__asm__(".text\n"                                 \
		".p2align 4\n"                            \
		".globl " #name "\n"                      \
		".type " #name ", %function\n"            \
		#name ":\n"                               \
		"	.cfi_startproc\n"                 \
		"	hint #34\n"                       \
		"	stp x29, x30, [sp, #-48]!\n"      \
		"	.cfi_adjust_cfa_offset 48\n"      \
		"	.cfi_offset 29, -48\n"            \
		"	.cfi_offset 30, -40\n"            \
		"	stp x0, x1, [sp, #16]\n"          \
		"	str x2, [sp, #32]\n"              \
		clear_version                             \
		"	bl dlhook_find\n"                 \
		"	mov x16, x0\n"                    \
		"	ldp x0, x1, [sp, #16]\n"          \
		"	ldr x2, [sp, #32]\n"              \
		"	ldp x29, x30, [sp], #48\n"        \
		"	.cfi_restore 29\n"                \
		"	.cfi_restore 30\n"                \
		"	.cfi_adjust_cfa_offset -48\n"     \
		"	cbnz x16, 1f\n"                   \
		"	adrp x16, dlhook_" #name "\n"     \
		"	ldr x16, [x16, #:lo12:dlhook_" #name "]\n" \
		"	br x16\n"                         \
		"1:	mov x0, x16\n"                    \
		"	ret\n"                            \
		"	.cfi_endproc\n"                   \
		".size " #name ", . - " #name "\n")

HOOK(dlsym, "	mov x2, #0\n");
HOOK(dlvsym, "");
#else
/* The last call is a jump when the compiler optimises. */
__attribute__((visibility("default"))) void *dlsym(void *handle, const char *name)
{
	void *found = dlhook_find(handle, name, NULL);

	return found ? found : dlhook_dlsym(handle, name);
}

__attribute__((visibility("default"))) void *dlvsym(void *handle, const char *name,
						    const char *version)
{
	void *found = dlhook_find(handle, name, version);

	return found ? found : dlhook_dlvsym(handle, name, version);
}
#endif
/* clang-format on */
