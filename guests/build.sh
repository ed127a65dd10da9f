#!/bin/sh
# Builds guest images: guests/build.sh [NAME ...], by default all that are
# prebuilt. lua is not: most of it is Debian's (package liblua5.4-dev).
#
# Variables: OUT, where NAME/NAME.elf goes (default: this folder);
#            CC, the compiler (default: gcc; the committed images: Debian 12's 12.2).
#
# The images are reproducible byte for byte: sources are compiled by relative
# path and in a fixed order, and nothing of the time or the place goes in.
set -eu

LC_ALL=C
export LC_ALL

cd -- "$(dirname -- "$0")"
here=$(pwd)
out=${OUT:-$here}
compiler=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

flags="-std=c17 -O2 -march=x86-64 -mtune=generic -mcmodel=small -mno-red-zone
  -ffreestanding -nostdlib -static -fno-pic -fno-pie
  -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
  -fno-omit-frame-pointer -ffunction-sections -fdata-sections -ffp-contract=off
  -ffile-prefix-map=$here=guests -Wall -Wextra -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
  -Ilib -isystem /usr/include/lua5.4"
link_flags="-no-pie -Wl,-T,lib/link.ld -Wl,--build-id=none -Wl,--gc-sections
  -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack"

# The library and the guests that take interrupts keep off the SSE registers,
# so that a handler need not save them.
flags_of() {
  case $1 in
    lib | echo | faults | loads/machine) echo -mgeneral-regs-only ;;
  esac
}

# compile_one SOURCE [PREFIX]: to an object in the work folder, named after its path.
compile_one() {
  # shellcheck disable=SC2086,SC2046
  "$compiler" $flags $(flags_of "$(dirname "$1")") -c "$1" -o "$work/${2-}$(echo "$1" | tr '/.' '--').o"
}

# compile FOLDER: every source in it.
compile() {
  for source in "$1"/*.S "$1"/*.c; do
    [ ! -f "$source" ] || compile_one "$source"
  done
}

[ $# -gt 0 ] || set -- hello echo faults freshcode loads primes nbody

for name in "$@"; do
  [ -d "$name" ] && [ "$name" != lib ] && continue
  echo "guests/build.sh: there is no guest $name; there are $(ls -d */ | tr -d / | grep -vx lib | xargs)" >&2
  exit 1
done

compile lib
for name in "$@"; do
  compile "$name"
  for folder in "$name"/*/; do
    [ ! -d "$folder" ] || compile "${folder%/}"
  done
  libraries=
  if [ "$name" = lua ]; then
    compile_one loads/marks.c lua-
    libraries=-l:liblua5.4.a
  fi
  mkdir -p "$out/$name"
  # shellcheck disable=SC2086
  "$compiler" $flags $link_flags "$work/$name"-*.o "$work"/lib-*.o $libraries -o "$out/$name/$name.elf"
  chmod 644 "$out/$name/$name.elf"
done
