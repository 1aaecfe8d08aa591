#!/usr/bin/env bash
# Runs a statically linked program on a processor that may not be at hand, emulated by Bochs; exits with its status.
#
#   run.sh BUILD MODEL SECONDS PROGRAM [ARGUMENT...]
#
#   BUILD     a folder for what is made on the way
#   MODEL     the processor, as `bochs --help cpu` names it
#   SECONDS   after which to give up
#   PROGRAM   linked with -static -no-pie -Wl,-Ttext-segment=0x08000000
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$1 model=$2 seconds=$3 program=$4
shift 4

bios=/usr/share/bochs/BIOS-bochs-latest vga=/usr/share/vgabios/vgabios.bin
loader=/usr/lib/ISOLINUX/isolinux.bin modules=/usr/lib/syslinux/modules/bios
for needed in "$bios" "$vga" "$loader" "$modules/mboot.c32"; do
  [ -e "$needed" ] || missing=1
done
if [ -n "${missing:-}" ] || ! command -v bochs >/dev/null || ! command -v xorriso >/dev/null; then
  echo "No emulator: on Debian or Ubuntu, apt-get install bochs bochs-term bochsbios vgabios isolinux syslinux-common xorriso"
  exit 1
fi

rm -rf "$build"
mkdir -p "$build/disc"
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only \
  -fno-stack-protector -fcf-protection=none -nostdlib -static \
  -Wl,-T,"$here/link.ld",--build-id=none,-z,max-page-size=4096,--no-warn-rwx-segments \
  "$here/start.S" "$here/kernel.c" -o "$build/kernel"
objcopy -O elf32-i386 "$build/kernel" "$build/disc/kernel"
cp "$program" "$build/disc/program"
cp "$loader" "$modules"/{ldlinux,libcom32,mboot}.c32 "$build/disc"
printf 'DEFAULT run\nPROMPT 0\nLABEL run\nKERNEL mboot.c32\nAPPEND /kernel --- /program %s\n' "$*" \
  >"$build/disc/isolinux.cfg"
xorriso -as mkisofs -quiet -o "$build/disc.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
  -boot-info-table "$build/disc" 2>/dev/null

# The display is never looked at (rfb waits for nobody); the program's output comes through port E9 to stdout.
cat >"$build/bochsrc" <<END
cpu: model=$model, count=1, ips=20000000, reset_on_triple_fault=0
megs: 512
romimage: file=$bios
vgaromimage: file=$vga
ata0-master: type=cdrom, path=$build/disc.iso, status=inserted
boot: cdrom
display_library: rfb, options="timeout=0"
plugin_ctrl: speaker=0
port_e9_hack: enabled=1
log: $build/bochs.log
info: action=ignore
error: action=report
panic: action=fatal
END
echo continue >"$build/commands" # where Bochs has its debugger built in, it waits for one
timeout -k 5 "$seconds" bochs -q -f "$build/bochsrc" -rc "$build/commands" </dev/null >"$build/output" 2>&1 || true
status=$(sed -n 's/^exit status //p' "$build/output")
sed -n '/^exit status/q; /^Next at t=/,$p' "$build/output" | sed 1,2d
if [ -z "$status" ]; then
  echo "The emulated machine stopped, or had no end after $seconds s; see $build/output and $build/bochs.log"
  exit 1
fi
exit "$status"
