/**
 * Finds functions of libc: `symbol(name)` gives an address, as a BigInt. The text needs `fs`, and `maps()`, which gives the
 * fields of each line of /proc/self/maps.
 */
export const LIBC = `const [libcRange, , , , , libc] = maps().find((m) => /libc\\.so\\.6$/.test(m[5] ?? ""));
const libcBase = BigInt("0x" + libcRange.split("-")[0]);
const elf = fs.readFileSync(libc);
function symbol(name) {
  const shoff = Number(elf.readBigUInt64LE(0x28)), n = elf.readUInt16LE(0x3c);
  for (let i = 0; i < n; i++) {
    const s = shoff + i * 64;
    if (elf.readUInt32LE(s + 4) !== 11) continue;
    const off = Number(elf.readBigUInt64LE(s + 24)), size = Number(elf.readBigUInt64LE(s + 32)), link = elf.readUInt32LE(s + 40);
    const str = Number(elf.readBigUInt64LE(shoff + link * 64 + 24));
    for (let at = off; at < off + size; at += 24) {
      const st = str + elf.readUInt32LE(at);
      if (elf.toString("latin1", st, elf.indexOf(0, st)) === name && elf.readBigUInt64LE(at + 8) !== 0n) return libcBase + elf.readBigUInt64LE(at + 8);
    }
  }
}`;
