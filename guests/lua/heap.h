/* Lua's memory. */
#pragma once

#include <stddef.h>

/* A lua_Alloc: allocates, resizes or, with a new size of zero, frees; null when there is no more. */
void *heap_allocate(void *unused, void *block, size_t old_size, size_t new_size);
