/** Tests that `@sigtool/native` and fs-xattr have the same results, and what only the former can guarantee. */

import { once } from "node:events";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { spawn } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import type { AttributeAccess } from "../../dist/system/attributes.js";
import { loadNative } from "../../dist/system/native.js";
import { bytes, doors, opened, temporaryFile } from "./attribute-doors.js";

const BY_DESCRIPTOR = new URL("../../dist/system/attributes-by-descriptor.js", import.meta.url).href;

describe.skipIf(doors.some(({ access }) => access === undefined))("both ways to reach attributes (needs them)", () => {
	const [native, package_] = doors.map(({ access }) => access as AttributeAccess);

	/** Returns the result of a call, or the code of its error. */
	const outcome = (call: () => unknown) => {
		try {
			return call();
		} catch (error) {
			return { code: (error as NodeJS.ErrnoException).code };
		}
	};

	it.each([0, 1, 64, 1023, 1024, 1025, 1900])("write and read the same %i bytes", (length) => {
		const { descriptor } = temporaryFile();
		native.write(descriptor, "user.native", bytes(length));
		package_.write(descriptor, "user.package", bytes(length));
		for (const access of [native, package_]) {
			expect(access.read(descriptor, "user.native")).toEqual(Buffer.from(bytes(length)));
			expect(access.read(descriptor, "user.package")).toEqual(Buffer.from(bytes(length)));
		}
		expect(package_.remove(descriptor, "user.native")).toBe(true);
		expect(native.remove(descriptor, "user.package")).toBe(true);
		for (const access of [native, package_]) {
			expect(access.remove(descriptor, "user.native")).toBe(false);
			expect(access.read(descriptor, "user.native")).toBeUndefined();
		}
	});

	it("read the longest value there is (on /dev/shm)", () => {
		const folder = temporaryDirectory(onTestFinished, "/dev/shm");
		writeFileSync(join(folder, "file"), "");
		const descriptor = opened(join(folder, "file"));
		native.write(descriptor, "user.long", bytes(65_536));
		for (const access of [native, package_]) {
			expect(access.read(descriptor, "user.long")).toEqual(Buffer.from(bytes(65_536)));
			expect(outcome(() => access.write(descriptor, "user.long", bytes(65_537)))).toEqual({ code: "E2BIG" });
		}
	});

	it("fail with the same codes", () => {
		const { path, descriptor } = temporaryFile();
		const proc = opened("/proc/self/status");
		const closed = openSync(path, "r");
		closeSync(closed);
		const calls: readonly ((access: AttributeAccess) => unknown)[] = [
			(access) => access.write(descriptor, "nowhere.one", bytes(1)),
			(access) => access.read(descriptor, "nowhere.one"),
			(access) => access.remove(descriptor, "nowhere.one"),
			(access) => access.write(descriptor, "user.", bytes(1)),
			(access) => access.write(proc, "user.one", bytes(1)),
			(access) => access.read(proc, "user.one"),
			(access) => access.write(descriptor, "user.big", bytes(65_537)),
			(access) => access.write(descriptor, "user.a\0b", bytes(1)),
			(access) => access.read(descriptor, `user.${"x".repeat(250)}`),
			(access) => access.read(descriptor, `user.${"x".repeat(251)}`),
		];
		for (const call of calls) {
			expect(
				outcome(() => call(native)),
				String(call),
			).toEqual(outcome(() => call(package_)));
		}
		expect(outcome(() => native.read(closed, "user.one"))).toEqual({ code: "EBADF" });
	});

	it("refuse names that would be cut, also where JavaScript does not check them", () => {
		const { descriptor } = temporaryFile();
		const { readAttribute, writeAttribute, removeAttribute } = loadNative() ?? {};
		for (const name of ["", "user.a\0b", "user.one\0", `user.${"x".repeat(251)}`, `user.${"x".repeat(5000)}`]) {
			expect(writeAttribute?.(descriptor, name, bytes(1)), name).toBe(constants.errno.EINVAL);
			expect(readAttribute?.(descriptor, name), name).toBe(constants.errno.EINVAL);
			expect(removeAttribute?.(descriptor, name), name).toBe(constants.errno.EINVAL);
		}
		expect(native.read(descriptor, "user.a")).toBeUndefined();
		expect(writeAttribute?.(descriptor, "user.one", new Uint16Array(1) as unknown as Uint8Array)).toBe(
			constants.errno.EINVAL,
		);
	});

	it("refuse descriptors that are none, instead of taking another file", () => {
		for (const descriptor of [-1, 0.5, Number.NaN, 2 ** 32, "3" as unknown as number]) {
			expect(outcome(() => native.read(descriptor, "user.one"))).toEqual({ code: expect.stringMatching(/^E/) });
			expect(outcome(() => native.write(descriptor, "user.one", bytes(1)))).toEqual({ code: "EINVAL" });
		}
	});

	it("return whole values while another process changes them", async () => {
		const { path, descriptor } = temporaryFile();
		const [short, long] = [Buffer.alloc(40, "s"), Buffer.alloc(3000, "l")];
		native.write(descriptor, "user.changing", short);
		const code = `
			const { attributesByDescriptor } = await import(${JSON.stringify(BY_DESCRIPTOR)});
			const { openSync } = await import("node:fs");
			const access = attributesByDescriptor();
			const descriptor = openSync(${JSON.stringify(path)}, "r");
			process.stdout.write("ready");
			for (;;) for (const [length, letter] of [[3000, "l"], [40, "s"]]) {
				access.write(descriptor, "user.changing", Buffer.alloc(length, letter));
			}`;
		const writer = spawn(process.execPath, ["--input-type=module", "-e", code], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		onTestFinished(() => void writer.kill("SIGKILL"));
		await once(writer.stdout, "data");
		const seen = new Set<string>();
		const endsAt = Date.now() + 60_000;
		for (let reads = 0; (reads < 20_000 || seen.size < 2) && Date.now() < endsAt; reads++) {
			const value = Buffer.from(native.read(descriptor, "user.changing") ?? []);
			seen.add(value.equals(short) ? "short" : value.equals(long) ? "long" : value.toString("latin1"));
		}
		expect([...seen].sort()).toEqual(["long", "short"]);
	});
});
