/** Reads and verifies a trust index, looks one file up, and prints the milliseconds. Arguments: INDEX CERTIFICATE. */

import { readFileSync } from "node:fs";
import { parseCertificate, trustFromCertificates, verifyTrustIndex } from "../packages/core/dist/read.js";

const [indexFile, certificateFile] = process.argv.slice(2);
const trust = trustFromCertificates([parseCertificate(readFileSync(certificateFile))]);
const start = performance.now();
const { index } = verifyTrustIndex(readFileSync(indexFile), { trust });
const entry = index.find("app", "node_modules/package-7/lib/dist/module-7.js");
const elapsed = performance.now() - start;
if (entry === undefined) throw new Error("The file is not found");
process.stdout.write(String(elapsed));
