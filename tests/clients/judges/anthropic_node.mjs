/** The official `@anthropic-ai/sdk` client for Node. */

import Anthropic from "@anthropic-ai/sdk";
import {betaTool} from "@anthropic-ai/sdk/helpers/beta/json-schema";
import {jsonSchemaOutputFormat} from "@anthropic-ai/sdk/helpers/json-schema";
import * as judging from "./judging.mjs";
import {AGAIN, CITIES, TEXT, check, nameOf} from "./judging.mjs";

const OPTIONS = {baseURL: judging.ADDRESS, apiKey: judging.KEY, maxRetries: 0};
const CLIENT = new Anthropic(OPTIONS);
// Majors differ: what a newer one names by itself, an older one calls by its family.
const FAMILY = Anthropic.InternalServerError;
const ERRORS = {
    400: Anthropic.BadRequestError,
    401: Anthropic.AuthenticationError,
    404: Anthropic.NotFoundError,
    429: Anthropic.RateLimitError,
    502: FAMILY,
    503: Anthropic.ServiceUnavailableError ?? FAMILY,
    529: Anthropic.OverloadedError ?? FAMILY,
};
// Anthropic has a status of its own for a provider that is overloaded.
const FAILURES = new Map([...judging.FAILURES, ["529", 529]]);
const HELLO = [{role: "user", content: "Hello"}];
const TOOLS = [{name: "get_weather", input_schema: judging.WEATHER}];
const THINKING = {type: "enabled", budget_tokens: 2_048};
const BOTH = [false, true];
const judge = new judging.Judge();

/** The message, put together by the client if it was streamed. */
function ask(model, {messages = HELLO, isStreamed = false, ...fields} = {}) {
    const asked = {model, max_tokens: 4_096, messages, ...fields};
    return isStreamed ? CLIENT.messages.stream(asked).finalMessage() : CLIENT.messages.create(asked);
}

const ofType = (message, type) => message.content.filter((block) => block.type === type);

const said = (message) => ofType(message, "text").map((block) => block.text).join("");

function checkText(message) {
    const usage = message.usage;
    check([said(message), message.stop_reason], [TEXT, "end_turn"]);
    check([usage.input_tokens, usage.cache_read_input_tokens], [20, 5], "input");
    check(usage.output_tokens, 7, "output");
}

judge.case("text", async (wire) => checkText(await ask(nameOf(wire, "text"))));

judge.case("text_streamed", async (wire) => {
    checkText(await ask(nameOf(wire, "text"), {isStreamed: true}));
});

/** Ask, and put the calls and their results behind the history. */
async function callTools(model, history, cities, options) {
    const message = await ask(model, {messages: history, tools: TOOLS, ...options});
    check(message.stop_reason, "tool_use");
    const calls = ofType(message, "tool_use");
    check(calls.map((call) => call.input), cities, "arguments");
    check(calls.map((call) => call.name), cities.map(() => "get_weather"), "names");
    check(new Set(calls.map((call) => call.id)).size, cities.length, "ids");
    const result = {type: "tool_result", content: judging.RESULT};
    const results = calls.map((call) => ({...result, tool_use_id: call.id}));
    history.push({role: "assistant", content: message.content}, {role: "user", content: results});
}

/** Ask for a text, and put it behind the history. */
async function say(model, history, options) {
    const message = await ask(model, {messages: history, tools: TOOLS, ...options});
    check([said(message), message.stop_reason], [TEXT, "end_turn"]);
    history.push({role: "assistant", content: message.content});
}

async function tryTools(wire, options) {
    const history = [{role: "user", content: judging.QUESTION}];
    await callTools(nameOf(wire, "parallel_tools"), history, CITIES, options);
    await say(nameOf(wire, "parallel_tools"), history, options);
}

judge.case("tools", (wire) => tryTools(wire, {}));

judge.case("tools_streamed", (wire) => tryTools(wire, {isStreamed: true}));

judge.case("images", async (wire) => {
    const source = {type: "base64", media_type: "image/png", data: judging.PNG};
    const content = [{type: "text", text: "What is this?"}, {type: "image", source}];
    checkText(await ask(nameOf(wire, "text"), {messages: [{role: "user", content}]}));
});

judge.case("schema", async (wire) => {
    const format = jsonSchemaOutputFormat(judging.FORECAST_SCHEMA);
    const asked = {messages: HELLO, max_tokens: 4_096, output_config: {format}};
    const model = nameOf(wire, "forecast");
    const whole = await CLIENT.messages.parse({model, ...asked});
    check(whole.parsed_output, judging.FORECAST);
    const streamed = await CLIENT.messages.stream({model, ...asked}).finalMessage();
    check(streamed.parsed_output, judging.FORECAST);
});

judge.case("thoughts", async (wire) => {
    for (const isStreamed of BOTH) {
        const asked = {thinking: THINKING, isStreamed};
        const message = await ask(nameOf(wire, "thinking"), asked);
        check([message.content[0].thinking, said(message)], [judging.THOUGHT, TEXT]);
    }
});

judge.case("provider_changes", async (wire) => {
    for (const wires of judging.changesFrom(wire)) {
        for (const isStreamed of BOTH) await change(wires, {isStreamed, thinking: THINKING});
    }
});

/** Two turns with tools and the beginning of a third, each begun and ended by another wire. */
async function change([first, second, third], options) {
    const history = [{role: "user", content: judging.QUESTION}];
    await callTools(nameOf(first, "thinking_tools"), history, CITIES, options);
    await say(nameOf(second, "parallel_tools"), history, options);
    history.push({role: "user", content: "And tomorrow?"});
    await callTools(nameOf(second, "parallel_tools"), history, CITIES, options);
    await say(nameOf(third, "thinking_tools"), history, options);
    history.push({role: "user", content: "And next week?"});
    await callTools(nameOf(third, "tools"), history, CITIES.slice(0, 1), options);
    await say(nameOf(first, "tools"), history, options);
}

judge.case("errors", async (wire) => {
    for (const [script, status] of FAILURES) {
        const again = nameOf(wire, `${script}/${AGAIN}`);
        await judging.checkError(ERRORS, status, () => ask(nameOf(wire, script)));
        await judging.checkError(ERRORS, status, () => ask(again, {isStreamed: true}));
    }
    await judging.checkError(ERRORS, 404, () => ask("nobody"));
    const nothing = {max_tokens: 0};
    await judging.checkError(ERRORS, 400, () => ask(nameOf(wire, "text"), nothing));
    const stranger = new Anthropic({...OPTIONS, apiKey: "llmr_nobody"});
    await judging.checkError(ERRORS, 401, () => stranger.models.list());
});

judge.case("cut_stream", async (wire) => {
    for (const script of judging.CUT) {
        const asking = () => ask(nameOf(wire, script), {isStreamed: true});
        const error = await judging.failureOf(asking, script);
        check(error instanceof Anthropic.APIError, true, String(error));
        check(error.message.includes("broke off"), true, error.message);
    }
});

judge.case("models", async (wire) => {
    const name = nameOf(wire, "text");
    const listed = [];
    for await (const model of CLIENT.models.list({limit: 20})) listed.push(model.id);
    check(listed.includes(name), true, "listed");
    check((await CLIENT.models.retrieve(name)).id, name);
});

judge.case("counts", async (wire) => {
    const asked = {model: nameOf(wire, "text"), messages: HELLO};
    const fewer = await CLIENT.messages.countTokens(asked);
    const more = await CLIENT.messages.countTokens({...asked, system: "Be kind.", tools: TOOLS});
    const counted = [fewer.input_tokens, more.input_tokens];
    check(0 < counted[0] && counted[0] < counted[1], true, `${counted} tokens`);
});

// Anthropic keeps to schemas with optional arguments, which not every provider does.
judge.case("strict_tools", async (wire) => {
    const input_schema = {...judging.WEATHER, additionalProperties: false};
    const tools = [{name: "get_weather", input_schema, strict: true}];
    const message = await ask(nameOf(wire, "tools"), {tools});
    check(message.stop_reason, "tool_use");
});

// What the client itself sends back when it calls the tools; `?beta=true` goes with it.
judge.case("runs_tools", async (wire) => {
    const get_weather = betaTool({
        name: "get_weather",
        description: "Tells the weather.",
        inputSchema: judging.WEATHER,
        run: () => judging.RESULT,
    });
    const asked = {
        model: nameOf(wire, "thinking_tools"),
        max_tokens: 4_096,
        messages: [{role: "user", content: judging.QUESTION}],
        thinking: THINKING,
        tools: [get_weather],
    };
    for (const stream of BOTH) {
        const runner = CLIENT.beta.messages.toolRunner({...asked, stream});
        const message = await runner.runUntilDone();
        check([said(message), message.stop_reason], [TEXT, "end_turn"]);
    }
});

judge.without({embeddings: "Anthropic has no embeddings"});
await judge.run();
