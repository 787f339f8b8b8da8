#!/usr/bin/env node
import { slug } from "../src/index.js";

console.log(slug(process.argv.slice(2).join(" ")));
