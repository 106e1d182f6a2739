/**
 * How a client library judges the router from Node: `judging.py` says it once, and this is the same.
 *
 * Needs nothing but Node's own modules. A case is an async function that is called with a wire, and
 * throws where it fails.
 */

import {inspect, isDeepStrictEqual} from "node:util";

export const MODELS = {openai: "gpt-5", anthropic: "claude-sonnet-4-5", google: "gemini-2.5-flash"};
export const VECTOR_MODELS = {openai: "text-embedding-3-small", google: "gemini-embedding-001"};
export const WIRES = Object.keys(MODELS);
export const CASES = [
    "text", "text_streamed", "tools", "tools_streamed", "images", "schema", "thoughts",
    "provider_changes", "errors", "cut_stream", "models", "embeddings",
];

export const TEXT = "Olá, mundo 🌍! 東京 👩‍👩‍👧 is fine.";
export const THOUGHT = "The user says hello, so 你好 back.";
export const CITIES = [{city: "São Paulo", unit: "°C"}, {city: "東京", unit: "°C"}];
export const FORECAST = {city: "São Paulo", celsius: 21};
export const [INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS] = [25, 5, 7];
export const CUT = ["cut", "stops_early", "error_event"];
// A list, since the numbers among the keys of an object would come first.
export const FAILURES = [
    ["400", 400], ["context_length", 400], ["401", 502], ["403", 502], ["404", 502], ["429", 429],
    ["500", 502], ["503", 502], ["529", 503],
];
export const AGAIN = "again";

export const PNG =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5E" +
    "rkJggg==";
export const QUESTION = "Is it sunny in São Paulo and 東京?";
export const RESULT = "Sunny, 21 °C.";
export const WEATHER = {
    type: "object",
    properties: {city: {type: "string"}, unit: {type: "string"}},
    required: ["city"],
};
export const FORECAST_SCHEMA = {
    type: "object",
    properties: {city: {type: "string"}, celsius: {type: "integer"}},
    required: ["city", "celsius"],
    additionalProperties: false,
};

/** The router's base address, without a path; and the API key of the tenant that has the models. */
export const ADDRESS = process.env.ROUTER_URL;
export const KEY = process.env.ROUTER_KEY;

/** The model of a wire that always says a script. */
export const nameOf = (wire, script) => `${MODELS[wire]}/${script}`;

/** The orders of all wires that begin with one. */
export function changesFrom(first) {
    const [second, third] = WIRES.filter((wire) => wire !== first);
    return [[first, second, third], [first, third, second]];
}

/** Throw unless both are equal. */
export function check(seen, expected, what = "answer") {
    if (!isDeepStrictEqual(seen, expected)) {
        throw new Error(`${what}: ${told(seen)} instead of ${told(expected)}`);
    }
}

/** Return what asking throws; throw if it answers. */
export async function failureOf(ask, what) {
    let answer;
    try {
        answer = await ask();
    } catch (error) {
        return error;
    }
    throw new Error(`an answer instead of ${what}: ${told(answer)}`);
}

/** Throw unless asking throws the class that this status has in the library. */
export async function checkError(kinds, status, ask) {
    const error = await failureOf(ask, status);
    if (error.constructor !== kinds[status]) {
        throw new Error(`not a ${kinds[status].name}`, {cause: error});
    }
    check(error.status, status, "status");
}

const told = (value) => inspect(value, {depth: 8, breakLength: Infinity});

/** The cases that a library is tried with; `run` tries them on every wire. */
export class Judge {
    #cases = new Map();
    #without = new Map();

    case(name, tried) {
        this.#cases.set(name, tried);
    }

    /** Say which cases the library has no way to try, and why. */
    without(reasons) {
        for (const [name, reason] of Object.entries(reasons)) this.#without.set(name, reason);
    }

    /** Try all cases; one that is neither there nor left out fails. */
    async run() {
        for (const name of new Set([...CASES, ...this.#cases.keys()])) {
            if (this.#without.has(name)) {
                tell({case: name, without: this.#without.get(name)});
                continue;
            }
            for (const wire of WIRES) {
                tell({case: name, wire, failure: await failure(this.#cases.get(name), wire)});
            }
        }
    }
}

const tell = (verdict) => console.log(JSON.stringify(verdict));

async function failure(tried, wire) {
    try {
        await tried(wire);
    } catch (error) {
        return told(error);
    }
    return null;
}
