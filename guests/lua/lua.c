/*
 * The load of a real interpreter: Debian's Lua 5.4 runs program.lua, on an
 * allocator of ours. Of Lua's own libraries there is none; the program gets the
 * few functions below.
 *
 * The library is not ours, so the image is not among the prebuilt ones: it is
 * built where liblua5.4-dev is installed.
 */
#include <lua.h>

#include "../loads/marks.h"

#include "boot-info.h"
#include "heap.h"
#include "power.h"
#include "print.h"

__asm__(".section .rodata\n"
	"program_begin: .incbin \"lua/program.lua\"\n"
	"program_end:\n"
	".text");
extern const char program_begin[], program_end[];

static lua_State *state;

static _Noreturn void fail(const char *message)
{
	print("Lua failed: %s\n", message);
	power_off(STATUS_FAILURE);
}

static int on_panic(lua_State *lua)
{
	const char *message = lua_tolstring(lua, -1, NULL);

	fail(message ? message : "no message");
}

/* setmetatable(table, metatable) */
static int set_metatable(lua_State *lua)
{
	lua_settop(lua, 2);
	lua_setmetatable(lua, 1);
	return 1;
}

/* byte(text, place) */
static int byte(lua_State *lua)
{
	size_t length;
	const char *text = lua_tolstring(lua, 1, &length);
	lua_Integer place = lua_tointegerx(lua, 2, NULL);

	if (!text || place < 1 || (size_t)place > length)
		fail("byte beyond a text");
	lua_pushinteger(lua, (uint8_t)text[place - 1]);
	return 1;
}

/* part(text, first, last) */
static int part(lua_State *lua)
{
	size_t length;
	const char *text = lua_tolstring(lua, 1, &length);
	lua_Integer first = lua_tointegerx(lua, 2, NULL), last = lua_tointegerx(lua, 3, NULL);

	if (!text || first < 1 || last < first - 1 || (size_t)last > length)
		fail("part beyond a text");
	lua_pushlstring(lua, text + first - 1, (size_t)(last - first + 1));
	return 1;
}

/* whole(number): without its fraction, as an integer */
static int whole(lua_State *lua)
{
	lua_pushinteger(lua, (lua_Integer)lua_tonumberx(lua, 1, NULL));
	return 1;
}

static const char *read_program(lua_State *lua, void *data, size_t *size)
{
	int *begun = data;

	(void)lua;
	*size = *begun ? 0 : (size_t)(program_end - program_begin);
	*begun = 1;
	return program_begin;
}

static void prepare(void)
{
	int begun = 0;

	if (state)
		return;
	state = lua_newstate(heap_allocate, NULL);
	if (!state)
		fail("no memory");
	lua_atpanic(state, on_panic);
	lua_register(state, "setmetatable", set_metatable);
	lua_register(state, "byte", byte);
	lua_register(state, "part", part);
	lua_register(state, "whole", whole);
	if (lua_load(state, read_program, &begun, "program", NULL) != LUA_OK)
		on_panic(state);
	lua_callk(state, 0, 0, 0, NULL);
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		lua_getglobal(state, "round");
		lua_pushinteger(state, (lua_Integer)(check >> 1));
		lua_callk(state, 1, 1, 0, NULL);
		check = mix(check, (uint64_t)lua_tointegerx(state, -1, NULL));
		lua_settop(state, 0);
	}
	return check;
}

int main(const struct boot_info *info)
{
	static const struct load lua_load = {"lua", prepare, run, 2};
	static const struct load *const loads[] = {&lua_load, NULL};

	if (run_loads(loads, info->command_line))
		return STATUS_SUCCESS;
	print("No such load: \"%s\"\n", info->command_line);
	return STATUS_FAILURE;
}
