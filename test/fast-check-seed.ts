/** Loaded before a test file by `npm test -- --seed N`: every property starts from that seed. */
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["FLOTILLA_SEED"]) });
