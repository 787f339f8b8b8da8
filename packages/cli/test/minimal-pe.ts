/**
 * Makes a minimal 32-bit image: DOS header, PE header, optional header with 16 directories, one section of 512 bytes.
 */
export function minimalPe(fill: number): Buffer {
	const image = Buffer.alloc(1024, 0);
	image.write("MZ", 0, "latin1");
	image.writeUInt32LE(0x40, 0x3c);
	image.write("PE\0\0", 0x40, "latin1");
	image.writeUInt16LE(0x14c, 0x44); // i386
	image.writeUInt16LE(1, 0x46); // one section
	image.writeUInt16LE(0xe0, 0x54); // size of the optional header
	image.writeUInt16LE(0x102, 0x56); // executable, 32-bit
	image.writeUInt16LE(0x10b, 0x58); // PE32
	image.writeUInt32LE(0x400000, 0x58 + 28);
	image.writeUInt32LE(0x1000, 0x58 + 32);
	image.writeUInt32LE(0x200, 0x58 + 36);
	image.writeUInt32LE(0x2000, 0x58 + 56);
	image.writeUInt32LE(0x200, 0x58 + 60);
	image.writeUInt16LE(3, 0x58 + 68);
	image.writeUInt32LE(16, 0x58 + 92);
	image.write(".text", 0x138, "latin1");
	image.writeUInt32LE(0x200, 0x140);
	image.writeUInt32LE(0x1000, 0x144);
	image.writeUInt32LE(0x200, 0x148);
	image.writeUInt32LE(0x200, 0x14c);
	image.fill(fill, 0x200);
	return image;
}
