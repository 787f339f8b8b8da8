/** Draws, rotates and encodes an image. libvips, a library beside the addon, does the work. */
const sharp = require("sharp");
const { createHash } = require("node:crypto");

const overlay = Buffer.from('<svg width="16" height="16"><circle cx="8" cy="8" r="6" fill="red"/></svg>');
sharp({ create: { width: 64, height: 48, channels: 4, background: "#0080ff" } })
	.composite([{ input: overlay }])
	.rotate(90)
	.resize({ width: 24 })
	.png()
	.toBuffer({ resolveWithObject: true })
	.then(({ data, info }) => {
		const digest = createHash("sha256").update(data).digest("hex");
		process.stdout.write(`${info.format} ${info.width}x${info.height} ${digest}\n`);
	});
