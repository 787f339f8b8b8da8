/** The story of a stolen key: its pin is removed from the host configuration, and nothing that it signed starts. */

import { beforeAll, describe, expect, it } from "vitest";
import { makeSelfSigned } from "../../packages/cli/test/support.js";
import { pinOf } from "../host/host.js";
import { RUNTIMES, type Runtime } from "../host/runtimes.js";
import { canOperate, Service } from "./service.js";

const CASES: readonly (readonly [string, Runtime, boolean])[] = RUNTIMES.flatMap((runtime) => {
	const plain = [runtime.name, runtime, false] as const;
	return runtime.kind === "node"
		? [plain]
		: [plain, [`${runtime.name}, with the key built in`, runtime, true] as const];
});

describe.skipIf(!canOperate).each(CASES)(
	"a stolen key, %s (as root, with the launcher built)",
	(_, runtime, isBuiltIn) => {
		let service: Service;
		beforeAll(() => {
			service = new Service(runtime, { isBuiltIn });
		});

		it.skipIf(runtime.program === undefined)("is out of use at the next start, and launcher check says so", () => {
			const next = makeSelfSigned(service.at("next"));
			const started = () => {
				const { status, stdout } = service.start();
				return [status, stdout];
			};
			service.configure({ pins: [pinOf(service.key), pinOf(next)] });
			expect(started()).toEqual([0, "serving\n"]);
			expect(service.check()).toMatchObject({ status: 0 });

			service.configure({ pins: [pinOf(next)] });
			expect(started()).toEqual([126, ""]);
			const { status, stdout } = service.check();
			expect([status, stdout]).toEqual([1, expect.stringMatching(/index.* \[ERR_UNTRUSTED_SIGNER\]/)]);
			expect(service.events().at(-1)).toMatchObject({ event: "verifier.start", reason: "ERR_UNTRUSTED_SIGNER" });

			service.ship(next);
			expect(started()).toEqual([0, "serving\n"]);
			expect(service.check()).toMatchObject({ status: 0 });
		});

		it.skipIf(runtime.program === undefined)(
			"does not come back by an authority for another subject, or by no pin at all",
			() => {
				const { certFile } = service.key;
				service.ship();
				for (const members of [
					{ pins: [] },
					{ pins: [], authorities: [{ certificate: certFile, subject: "CN=other" }] },
				]) {
					service.configure(members);
					expect(service.start()).toMatchObject({ status: 126, stdout: "" });
					expect(service.check()).toMatchObject({ status: 1 });
				}
			},
		);
	},
);
