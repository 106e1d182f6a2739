/** The official `@google/genai` client for Node. */

import {ApiError, FinishReason, GoogleGenAI} from "@google/genai";
import * as judging from "./judging.mjs";
import {AGAIN, CITIES, FORECAST, TEXT, THOUGHT, check, nameOf} from "./judging.mjs";

// Without `retryOptions` it does not try again.
const OPTIONS = {baseUrl: judging.ADDRESS};
const CLIENT = new GoogleGenAI({apiKey: judging.KEY, httpOptions: OPTIONS});
const DECLARED = {name: "get_weather", parametersJsonSchema: judging.WEATHER};
const TOOLS = [{functionDeclarations: [DECLARED]}];
const THINKING = {includeThoughts: true, thinkingBudget: 2_048};
const BOTH = [false, true];
const judge = new judging.Judge();

/** The answer's parts, reason and usage, gathered from all chunks if it was streamed. */
async function ask(model, {contents = "Hello", isStreamed = false, ...config} = {}) {
    const asked = {model, contents, config};
    const chunks = [];
    if (isStreamed) {
        for await (const chunk of await CLIENT.models.generateContentStream(asked)) {
            chunks.push(chunk);
        }
    } else {
        chunks.push(await CLIENT.models.generateContent(asked));
    }
    const candidates = chunks.flatMap((chunk) => chunk.candidates ?? []);
    return {
        parts: candidates.flatMap((candidate) => candidate.content?.parts ?? []),
        reason: candidates.at(-1)?.finishReason,
        usage: chunks.at(-1).usageMetadata,
    };
}

const joined = (parts, isThought) => parts
    .filter((part) => part.text && Boolean(part.thought) === isThought)
    .map((part) => part.text)
    .join("");

const said = ({parts}) => joined(parts, false);

function checkText(answer) {
    const {usage} = answer;
    check([said(answer), answer.reason], [TEXT, FinishReason.STOP]);
    check([usage.promptTokenCount, usage.cachedContentTokenCount], [25, 5], "input");
    const output = usage.candidatesTokenCount + (usage.thoughtsTokenCount ?? 0);
    check([output, usage.totalTokenCount], [7, 32], "output");
}

judge.case("text", async (wire) => checkText(await ask(nameOf(wire, "text"))));

judge.case("text_streamed", async (wire) => {
    checkText(await ask(nameOf(wire, "text"), {isStreamed: true}));
});

const asking = (text) => ({role: "user", parts: [{text}]});

/** Ask, and put the calls and their results behind the history. */
async function callTools(model, history, cities, options) {
    const {parts} = await ask(model, {contents: history, tools: TOOLS, ...options});
    const calls = parts.filter((part) => part.functionCall).map((part) => part.functionCall);
    check(calls.map((call) => call.args), cities, "arguments");
    check(calls.map((call) => call.name), cities.map(() => "get_weather"), "names");
    const response = {result: judging.RESULT};
    const results = calls.map(({id, name}) => ({functionResponse: {id, name, response}}));
    history.push({role: "model", parts}, {role: "user", parts: results});
}

/** Ask for a text, and put it behind the history. */
async function say(model, history, options) {
    const answer = await ask(model, {contents: history, tools: TOOLS, ...options});
    check([said(answer), answer.reason], [TEXT, FinishReason.STOP]);
    history.push({role: "model", parts: answer.parts});
}

async function tryTools(wire, options) {
    const history = [asking(judging.QUESTION)];
    await callTools(nameOf(wire, "parallel_tools"), history, CITIES, options);
    await say(nameOf(wire, "parallel_tools"), history, options);
}

judge.case("tools", (wire) => tryTools(wire, {}));

judge.case("tools_streamed", (wire) => tryTools(wire, {isStreamed: true}));

judge.case("images", async (wire) => {
    const picture = {inlineData: {mimeType: "image/png", data: judging.PNG}};
    const contents = [{role: "user", parts: [{text: "What is this?"}, picture]}];
    checkText(await ask(nameOf(wire, "text"), {contents}));
});

judge.case("schema", async (wire) => {
    const asked = {
        responseMimeType: "application/json",
        responseJsonSchema: judging.FORECAST_SCHEMA,
    };
    for (const isStreamed of BOTH) {
        const answer = await ask(nameOf(wire, "forecast"), {...asked, isStreamed});
        check(JSON.parse(said(answer)), FORECAST);
    }
});

judge.case("thoughts", async (wire) => {
    for (const isStreamed of BOTH) {
        const asked = {thinkingConfig: THINKING, isStreamed};
        const answer = await ask(nameOf(wire, "thinking"), asked);
        check([joined(answer.parts, true), said(answer)], [THOUGHT, TEXT]);
    }
});

judge.case("provider_changes", async (wire) => {
    for (const wires of judging.changesFrom(wire)) {
        for (const isStreamed of BOTH) await change(wires, {isStreamed, thinkingConfig: THINKING});
    }
});

/** Two turns with tools and the beginning of a third, each begun and ended by another wire. */
async function change([first, second, third], options) {
    const history = [asking(judging.QUESTION)];
    await callTools(nameOf(first, "thinking_tools"), history, CITIES, options);
    await say(nameOf(second, "parallel_tools"), history, options);
    history.push(asking("And tomorrow?"));
    await callTools(nameOf(second, "parallel_tools"), history, CITIES, options);
    await say(nameOf(third, "thinking_tools"), history, options);
    history.push(asking("And next week?"));
    await callTools(nameOf(third, "tools"), history, CITIES.slice(0, 1), options);
    await say(nameOf(first, "tools"), history, options);
}

// It has one class for all of them.
const checkError = (status, asks) => judging.checkError({[status]: ApiError}, status, asks);

judge.case("errors", async (wire) => {
    for (const [script, status] of judging.FAILURES) {
        const again = nameOf(wire, `${script}/${AGAIN}`);
        await checkError(status, () => ask(nameOf(wire, script)));
        await checkError(status, () => ask(again, {isStreamed: true}));
    }
    await checkError(404, () => ask("nobody"));
    await checkError(400, () => ask(nameOf(wire, "text"), {maxOutputTokens: -1}));
    const stranger = new GoogleGenAI({apiKey: "llmr_nobody", httpOptions: OPTIONS});
    await checkError(401, () => stranger.models.list());
});

judge.case("cut_stream", async (wire) => {
    for (const script of judging.CUT) {
        const asking = () => ask(nameOf(wire, script), {isStreamed: true});
        const error = await judging.failureOf(asking, script);
        // The first major reads no errors of a stream, and only sees that something is wrong.
        check(/broke off|Incomplete JSON/.test(error.message), true, error.message);
    }
});

judge.case("models", async (wire) => {
    const name = `models/${nameOf(wire, "text")}`;
    const listed = [];
    for await (const model of await CLIENT.models.list({config: {pageSize: 20}})) {
        listed.push(model.name);
    }
    check(listed.includes(name), true, "listed");
    check((await CLIENT.models.get({model: name})).name, name);
});

judge.case("embeddings", async (wire) => {
    if (!(wire in judging.VECTOR_MODELS)) return;
    const asked = {model: judging.VECTOR_MODELS[wire], contents: ["one", "two"]};
    const {embeddings: [one, two]} = await CLIENT.models.embedContent(asked);
    check(one.values.length > 1 && one.values.length === two.values.length, true, "lengths");
    check(String(one.values) !== String(two.values), true, "each its own");
});

judge.case("counts", async (wire) => {
    const asked = {model: nameOf(wire, "text"), contents: "Hello"};
    const {totalTokens} = await CLIENT.models.countTokens(asked);
    check(totalTokens > 0, true, `${totalTokens} tokens`);
});

// The client keeps the history, calls the tools and sends back what it thinks fit.
judge.case("chats", async (wire) => {
    const weather = {
        tool: async () => TOOLS[0],
        callTool: async (calls) => calls.map(({id, name}) => (
            {functionResponse: {id, name, response: {result: judging.RESULT}}}
        )),
    };
    const config = {tools: [weather], thinkingConfig: THINKING};
    const chat = CLIENT.chats.create({model: nameOf(wire, "thinking_tools"), config});
    for (const message of [judging.QUESTION, "And tomorrow?"]) {
        check((await chat.sendMessage({message})).text, TEXT);
    }
    let streamed = "";
    for await (const chunk of await chat.sendMessageStream({message: "And next week?"})) {
        streamed += chunk.text ?? "";
    }
    check(streamed, TEXT);
});

await judge.run();
