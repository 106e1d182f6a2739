/**
 * Vercel's AI SDK: `ai`, through each of its providers that can be pointed at a router.
 *
 * Every case is tried in all dialects that they speak, on every wire.
 */

import {inspect} from "node:util";
import {createAnthropic} from "@ai-sdk/anthropic";
import {createGoogleGenerativeAI} from "@ai-sdk/google";
import {createOpenAI} from "@ai-sdk/openai";
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import * as ai from "ai";
import * as judging from "./judging.mjs";
import {AGAIN, CITIES, FORECAST, TEXT, THOUGHT, check, nameOf} from "./judging.mjs";

const COMPATIBLE = {name: "router", supportsStructuredOutputs: true, includeUsage: true};
const BOTH = [false, true];
// One major writes its warnings between the verdicts.
globalThis.AI_SDK_LOG_WARNINGS = false;
const judge = new judging.Judge();

/** What each dialect is called with; `resting` are models of its own, since what failed rests. */
function dialectsFor(apiKey) {
    const openai = createOpenAI({baseURL: `${judging.ADDRESS}/v1`, apiKey});
    const anthropic = createAnthropic({baseURL: `${judging.ADDRESS}/v1`, apiKey});
    const google = createGoogleGenerativeAI({baseURL: `${judging.ADDRESS}/v1beta`, apiKey});
    const compatible = createOpenAICompatible({
        ...COMPATIBLE, baseURL: `${judging.ADDRESS}/v1`, apiKey,
    });
    const thinking = {type: "enabled", budgetTokens: 2_048};
    const thinkingConfig = {includeThoughts: true, thinkingBudget: 2_048};
    return {
        chat: {
            model: openai.chat,
            vectors: openai.embeddingModel,
            resting: "",
            // This provider reads no thoughts in this dialect, whoever says them.
            readsThoughts: false,
            thinks: {openai: {reasoningEffort: "high"}},
        },
        responses: {
            model: openai.responses,
            resting: "/responses",
            readsThoughts: true,
            thinks: {openai: {reasoningEffort: "high", reasoningSummary: "auto"}},
        },
        anthropic: {
            model: anthropic,
            resting: "/anthropic",
            readsThoughts: true,
            thinks: {anthropic: {thinking}},
            // For names that are not Anthropic's it would ask for the call of a tool instead.
            formats: {anthropic: {structuredOutputMode: "outputFormat"}},
        },
        gemini: {
            model: google,
            vectors: google.embeddingModel,
            resting: "/gemini",
            readsThoughts: true,
            thinks: {google: {thinkingConfig}},
        },
        compatible: {
            model: compatible.chatModel,
            vectors: compatible.embeddingModel ?? compatible.textEmbeddingModel,
            resting: "/compatible",
            readsThoughts: true,
            thinks: {router: {reasoningEffort: "high"}},
        },
    };
}

const DIALECTS = dialectsFor(judging.KEY);
const WEATHER = ai.tool({
    description: "Tells the weather.",
    inputSchema: ai.jsonSchema(judging.WEATHER),
});
const RUN_WEATHER = ai.tool({...WEATHER, execute: () => judging.RESULT});

/** Add a case that is tried in every dialect, whole and streamed, and names those that fail. */
function everywhere(name, tried, ways = BOTH) {
    judge.case(name, async (wire) => {
        const failures = [];
        for (const [called, dialect] of Object.entries(DIALECTS)) {
            for (const isStreamed of ways) {
                try {
                    await tried(wire, dialect, isStreamed);
                } catch (error) {
                    failures.push(`${called}${isStreamed ? ", streamed" : ""}: ${inspect(error)}`);
                }
            }
        }
        if (failures.length) throw new Error(failures.join("\n\n"));
    });
}

/** What `generateText` answers, or the same gathered from `streamText`. */
async function ask(model, {isStreamed, ...fields}) {
    const asked = {model, prompt: fields.messages ? undefined : "Hello", maxRetries: 0, ...fields};
    if (!isStreamed) return ai.generateText(asked);
    const streamed = ai.streamText({...asked, onError: () => {}});
    await drain(streamed.fullStream);
    const names = ["text", "reasoningText", "finishReason", "usage", "toolCalls", "response"];
    if (fields.output) names.push("output");
    const values = await Promise.all(names.map((name) => streamed[name]));
    return Object.fromEntries(names.map((name, place) => [name, values[place]]));
}

/** Read a stream to its end; throw the error that is told in it. */
async function drain(stream) {
    for await (const part of stream) {
        if (part.type === "error") throw part.error;
    }
}

function checkText({text, finishReason, usage}) {
    check([text, finishReason], [TEXT, "stop"]);
    check([usage.inputTokens, usage.outputTokens, usage.totalTokens], [25, 7, 32], "usage");
    check(usage.inputTokenDetails.cacheReadTokens, 5, "cached tokens");
}

const tryText = async (wire, {model}, isStreamed) => {
    checkText(await ask(model(nameOf(wire, "text")), {isStreamed}));
};

everywhere("text", tryText, [false]);
everywhere("text_streamed", tryText, [true]);

/** Ask, and put the calls and their results behind the history. */
async function callTools(model, history, cities, {output, ...options}) {
    const tools = {get_weather: WEATHER};
    const {toolCalls, finishReason, response} = await ask(model, {
        messages: history, tools, ...options,
    });
    check(finishReason, "tool-calls");
    check(toolCalls.map((call) => call.input), cities, "arguments");
    check(toolCalls.map((call) => call.toolName), cities.map(() => "get_weather"), "names");
    check(new Set(toolCalls.map((call) => call.toolCallId)).size, cities.length, "ids");
    history.push(...response.messages, resultsOf(toolCalls, output));
}

function resultsOf(toolCalls, output = {type: "text", value: judging.RESULT}) {
    const content = toolCalls.map(({toolCallId, toolName}) => (
        {type: "tool-result", toolCallId, toolName, output}
    ));
    return {role: "tool", content};
}

/** Ask for a text, and put it behind the history. */
async function say(model, history, options) {
    const tools = {get_weather: WEATHER};
    const {text, finishReason, response} = await ask(model, {messages: history, tools, ...options});
    check([text, finishReason], [TEXT, "stop"]);
    history.push(...response.messages);
}

const tryTools = async (wire, {model}, isStreamed) => {
    const history = [{role: "user", content: judging.QUESTION}];
    await callTools(model(nameOf(wire, "parallel_tools")), history, CITIES, {isStreamed});
    await say(model(nameOf(wire, "parallel_tools")), history, {isStreamed});
};

everywhere("tools", tryTools, [false]);
everywhere("tools_streamed", tryTools, [true]);

everywhere("images", async (wire, {model}, isStreamed) => {
    const picture = {type: "file", mediaType: "image/png", data: judging.PNG};
    const content = [{type: "text", text: "What is this?"}, picture];
    const messages = [{role: "user", content}];
    checkText(await ask(model(nameOf(wire, "text")), {messages, isStreamed}));
});

everywhere("schema", async (wire, {model, formats}, isStreamed) => {
    const output = ai.Output.object({schema: ai.jsonSchema(judging.FORECAST_SCHEMA)});
    const asked = {output, providerOptions: formats, isStreamed};
    const told = await ask(model(nameOf(wire, "forecast")), asked);
    check(told.output, FORECAST);
});

everywhere("objects", async (wire, {model, formats}, isStreamed) => {
    const asked = {
        model: model(nameOf(wire, "forecast")),
        schema: ai.jsonSchema(judging.FORECAST_SCHEMA),
        prompt: "Hello",
        maxRetries: 0,
        providerOptions: formats,
    };
    const told = isStreamed
        ? ai.streamObject({...asked, onError: () => {}})
        : await ai.generateObject(asked);
    if (isStreamed) await drain(told.fullStream);
    check(await told.object, FORECAST);
});

everywhere("thoughts", async (wire, {model, thinks, readsThoughts}, isStreamed) => {
    const asked = {providerOptions: thinks, isStreamed};
    const {text, reasoningText} = await ask(model(nameOf(wire, "thinking")), asked);
    check([text, reasoningText], [TEXT, readsThoughts ? THOUGHT : undefined]);
});

everywhere("provider_changes", async (wire, dialect, isStreamed) => {
    const options = {isStreamed, providerOptions: dialect.thinks};
    for (const wires of judging.changesFrom(wire)) await change(wires, dialect, options);
});

/** Two turns with tools and the beginning of a third, each begun and ended by another wire. */
async function change([first, second, third], {model}, options) {
    const history = [{role: "user", content: judging.QUESTION}];
    await callTools(model(nameOf(first, "thinking_tools")), history, CITIES, options);
    await say(model(nameOf(second, "parallel_tools")), history, options);
    history.push({role: "user", content: "And tomorrow?"});
    await callTools(model(nameOf(second, "parallel_tools")), history, CITIES, options);
    await say(model(nameOf(third, "thinking_tools")), history, options);
    history.push({role: "user", content: "And next week?"});
    await callTools(model(nameOf(third, "tools")), history, CITIES.slice(0, 1), options);
    await say(model(nameOf(first, "tools")), history, options);
}

// The loop is the library's own, and its second step goes to another provider.
everywhere("agents", async (wire, {model, thinks}, isStreamed) => {
    for (const [first, second] of judging.changesFrom(wire)) {
        const agent = new ai.ToolLoopAgent({
            model: model(nameOf(first, "thinking_tools")),
            tools: {get_weather: RUN_WEATHER},
            stopWhen: ai.stepCountIs(5),
            providerOptions: thinks,
            maxRetries: 0,
            prepareStep: ({stepNumber}) => (
                stepNumber ? {model: model(nameOf(second, "thinking_tools"))} : {}
            ),
        });
        const asked = {prompt: judging.QUESTION};
        const told = isStreamed ? await agent.stream(asked) : await agent.generate(asked);
        if (isStreamed) await drain(told.fullStream);
        check([await told.text, (await told.steps).length], [TEXT, 2]);
    }
});

// All of them at once: what a model does not have, the library leaves out or the router does.
everywhere("settings", async (wire, {model}, isStreamed) => {
    const limits = {maxOutputTokens: 900, stopSequences: ["END"], seed: 7};
    const taste = {temperature: 0.3, topP: 0.9, topK: 20, presencePenalty: 0.1, frequencyPenalty: 0.1};
    const asked = {system: "Be kind.", ...limits, ...taste, isStreamed};
    checkText(await ask(model(nameOf(wire, "text")), asked));
});

everywhere("files", async (wire, {model}, isStreamed) => {
    const data = Buffer.from("%PDF-1.4\n%%EOF").toString("base64");
    const file = {type: "file", mediaType: "application/pdf", filename: "a.pdf", data};
    const messages = [{role: "user", content: [{type: "text", text: "What is this?"}, file]}];
    checkText(await ask(model(nameOf(wire, "text")), {messages, isStreamed}));
});

// Everything that a tool can answer in this library.
const OUTPUTS = [
    {type: "json", value: {celsius: [21, null]}},
    {type: "error-text", value: "no sun today"},
    {type: "error-json", value: {error: "no sun today"}},
    {type: "execution-denied", reason: "not today"},
    {type: "content", value: [
        {type: "text", text: "See."},
        {type: "file-data", mediaType: "image/png", data: judging.PNG},
    ]},
];

everywhere("outputs_of_tools", async (wire, {model}, isStreamed) => {
    for (const output of OUTPUTS) {
        const history = [{role: "user", content: judging.QUESTION}];
        await callTools(model(nameOf(wire, "parallel_tools")), history, CITIES, {isStreamed, output});
        await say(model(nameOf(wire, "parallel_tools")), history, {isStreamed});
    }
});

everywhere("tools_without_arguments", async (wire, {model}, isStreamed) => {
    const inputSchema = ai.jsonSchema({type: "object", properties: {}});
    const get_time = ai.tool({description: "Tells the time.", inputSchema, execute: () => "noon"});
    const asked = {tools: {get_time}, stopWhen: ai.stepCountIs(3), isStreamed};
    const {text} = await ask(model(nameOf(wire, "tools_without_arguments")), asked);
    check(text, TEXT);
});

// What goes back is otherwise references to what the router stored.
everywhere("stateless", async (wire, dialect, isStreamed) => {
    if (dialect !== DIALECTS.responses) return;
    const providerOptions = {openai: {...dialect.thinks.openai, store: false}};
    for (const wires of judging.changesFrom(wire)) {
        await change(wires, dialect, {isStreamed, providerOptions});
    }
});

everywhere("previous_responses", async (wire, dialect, isStreamed) => {
    if (dialect !== DIALECTS.responses) return;
    for (const [first, second] of judging.changesFrom(wire)) {
        const options = {isStreamed, tools: {get_weather: WEATHER}};
        const called = await ask(dialect.model(nameOf(first, "parallel_tools")), options);
        const providerOptions = {openai: {previousResponseId: called.response.id}};
        const messages = [resultsOf(called.toolCalls)];
        const told = await ask(dialect.model(nameOf(second, "parallel_tools")), {
            ...options, messages, providerOptions,
        });
        check(told.text, TEXT);
    }
});

/** Throw unless asking throws the error of a call, with this status. */
async function checkError(status, asking) {
    const error = await judging.failureOf(asking, status);
    if (!ai.APICallError.isInstance(error)) throw new Error("not an APICallError", {cause: error});
    check(error.statusCode, status, `status of ${error.message}`);
    check(error.isRetryable, status === 429 || status >= 500, "retryable");
    // What the provider's own schema of errors found in the body, not the status' usual words.
    check(error.data !== undefined, true, `a body of this dialect in ${error.responseBody}`);
}

everywhere("errors", async (wire, dialect, isStreamed) => {
    const {model, resting} = dialect;
    for (const [script, usual] of judging.FAILURES) {
        const name = `${nameOf(wire, script)}${resting}${isStreamed ? `/${AGAIN}` : ""}`;
        const isAnthropics = dialect === DIALECTS.anthropic && script === "529";
        await checkError(isAnthropics ? 529 : usual, () => ask(model(name), {isStreamed}));
    }
    await checkError(404, () => ask(model("nobody"), {isStreamed}));
    const called = Object.keys(DIALECTS).find((name) => DIALECTS[name] === dialect);
    const stranger = dialectsFor("llmr_nobody")[called];
    await checkError(401, () => ask(stranger.model(nameOf(wire, "text")), {isStreamed}));
});

everywhere("cut_stream", async (wire, {model}) => {
    for (const script of judging.CUT) {
        const asking = () => ask(model(nameOf(wire, script)), {isStreamed: true});
        const error = await judging.failureOf(asking, script);
        check(inspect(error).includes("broke off"), true, inspect(error));
    }
}, [true]);

everywhere("embeddings", async (wire, {vectors}) => {
    if (!vectors || !(wire in judging.VECTOR_MODELS)) return;
    const model = vectors(judging.VECTOR_MODELS[wire]);
    const {embeddings: [one, two]} = await ai.embedMany({model, values: ["one", "two"]});
    check(one.length > 1 && one.length === two.length, true, "lengths");
    check(one.every(Number.isFinite) && String(one) !== String(two), true, "each its own");
}, [false]);

judge.without({models: "it does not list models"});
await judge.run();
