/** The official `openai` client for Node. */

import OpenAI from "openai";
import * as judging from "./judging.mjs";
import {AGAIN, CITIES, TEXT, check, nameOf} from "./judging.mjs";

const OPTIONS = {baseURL: `${judging.ADDRESS}/v1`, apiKey: judging.KEY, maxRetries: 0};
const CLIENT = new OpenAI(OPTIONS);
const ERRORS = {
    400: OpenAI.BadRequestError,
    401: OpenAI.AuthenticationError,
    404: OpenAI.NotFoundError,
    429: OpenAI.RateLimitError,
    502: OpenAI.InternalServerError,
    503: OpenAI.InternalServerError,
};
const HELLO = [{role: "user", content: "Hello"}];
const FUNCTION = {name: "get_weather", parameters: judging.WEATHER};
const TOOLS = [{type: "function", function: FUNCTION}];
const FORMAT = {name: "forecast", schema: judging.FORECAST_SCHEMA, strict: true};
const BOTH = [false, true];
const judge = new judging.Judge();

/** The completion, put together by the client if it was streamed. */
function ask(model, {messages = HELLO, isStreamed = false, ...fields} = {}) {
    const asked = {model, messages, ...fields};
    if (!isStreamed) return CLIENT.chat.completions.create(asked);
    const options = {stream_options: {include_usage: true}};
    return CLIENT.chat.completions.stream({...asked, ...options}).finalChatCompletion();
}

function checkText({choices: [choice], usage}) {
    check([choice.message.content, choice.finish_reason], [TEXT, "stop"]);
    const counted = [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens];
    check(counted, [25, 7, 32], "usage");
    check(usage.prompt_tokens_details.cached_tokens, 5, "cached tokens");
}

judge.case("text", async (wire) => checkText(await ask(nameOf(wire, "text"))));

judge.case("text_streamed", async (wire) => {
    checkText(await ask(nameOf(wire, "text"), {isStreamed: true}));
});

/** Ask, and put the calls and their results behind the history. */
async function callTools(model, history, cities, options) {
    const {choices: [choice]} = await ask(model, {messages: history, tools: TOOLS, ...options});
    check(choice.finish_reason, "tool_calls");
    const calls = choice.message.tool_calls;
    check(calls.map((call) => JSON.parse(call.function.arguments)), cities, "arguments");
    check(calls.map((call) => call.function.name), cities.map(() => "get_weather"), "names");
    check(new Set(calls.map((call) => call.id)).size, cities.length, "ids");
    history.push(plain(choice.message));
    for (const {id} of calls) {
        history.push({role: "tool", tool_call_id: id, content: judging.RESULT});
    }
}

/** Ask for a text, and put it behind the history. */
async function say(model, history, options) {
    const {choices: [choice]} = await ask(model, {messages: history, tools: TOOLS, ...options});
    check([choice.message.content, choice.finish_reason], [TEXT, "stop"]);
    history.push(plain(choice.message));
}

/** A message without what the client alone adds to it, and OpenAI itself would refuse. */
function plain({parsed, tool_calls: calls, ...message}) {
    if (!calls) return message;
    const called = calls.map(({function: {parsed_arguments, ...named}, ...call}) => (
        {...call, function: named}
    ));
    return {...message, tool_calls: called};
}

async function tryTools(wire, options) {
    const history = [{role: "user", content: judging.QUESTION}];
    await callTools(nameOf(wire, "parallel_tools"), history, CITIES, options);
    await say(nameOf(wire, "parallel_tools"), history, options);
}

judge.case("tools", (wire) => tryTools(wire, {}));

judge.case("tools_streamed", (wire) => tryTools(wire, {isStreamed: true}));

judge.case("images", async (wire) => {
    const url = `data:image/png;base64,${judging.PNG}`;
    const content = [{type: "text", text: "What is this?"}, {type: "image_url", image_url: {url}}];
    checkText(await ask(nameOf(wire, "text"), {messages: [{role: "user", content}]}));
});

judge.case("schema", async (wire) => {
    const asked = {messages: HELLO, response_format: {type: "json_schema", json_schema: FORMAT}};
    const model = nameOf(wire, "forecast");
    const whole = await CLIENT.chat.completions.parse({model, ...asked});
    check(whole.choices[0].message.parsed, judging.FORECAST);
    const streamed = await ask(model, {...asked, isStreamed: true});
    check(JSON.parse(streamed.choices[0].message.content), judging.FORECAST);
});

// The client puts together no field that is not OpenAI's own: applications read the pieces.
judge.case("thoughts", async (wire) => {
    const asked = {model: nameOf(wire, "thinking"), messages: HELLO, reasoning_effort: "high"};
    const {choices: [{message}]} = await CLIENT.chat.completions.create(asked);
    check([message.content, message.reasoning_content], [TEXT, judging.THOUGHT]);
    const pieces = [];
    for await (const chunk of await CLIENT.chat.completions.create({...asked, stream: true})) {
        pieces.push(...chunk.choices.map((choice) => choice.delta));
    }
    const joined = (name) => pieces.map((piece) => piece[name] ?? "").join("");
    check([joined("content"), joined("reasoning_content")], [TEXT, judging.THOUGHT]);
});

/** What the client itself sends back when it calls the tools. */
judge.case("runs_tools", async (wire) => {
    const get_weather = {...FUNCTION, function: () => judging.RESULT, parse: JSON.parse};
    const asked = {
        model: nameOf(wire, "parallel_tools"),
        messages: [{role: "user", content: judging.QUESTION}],
        tools: [{type: "function", function: get_weather}],
    };
    for (const stream of BOTH) {
        const runner = CLIENT.chat.completions.runTools({...asked, stream});
        check(await runner.finalContent(), TEXT);
        check(runner.messages.length, 5, "messages");
    }
});

judge.case("provider_changes", async (wire) => {
    for (const wires of judging.changesFrom(wire)) {
        for (const isStreamed of BOTH) await change(wires, {isStreamed, reasoning_effort: "high"});
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
    for (const [script, status] of judging.FAILURES) {
        const again = nameOf(wire, `${script}/${AGAIN}`);
        await judging.checkError(ERRORS, status, () => ask(nameOf(wire, script)));
        await judging.checkError(ERRORS, status, () => ask(again, {isStreamed: true}));
    }
    await judging.checkError(ERRORS, 404, () => ask("nobody"));
    const warm = {temperature: "warm"};
    await judging.checkError(ERRORS, 400, () => ask(nameOf(wire, "text"), warm));
    const stranger = new OpenAI({...OPTIONS, apiKey: "llmr_nobody"});
    await judging.checkError(ERRORS, 401, () => stranger.models.list());
});

judge.case("cut_stream", async (wire) => {
    for (const script of judging.CUT) {
        const asking = () => ask(nameOf(wire, script), {isStreamed: true});
        const error = await judging.failureOf(asking, script);
        check(error instanceof OpenAI.APIError, true, String(error));
        check(error.message.includes("broke off"), true, error.message);
    }
});

judge.case("models", async (wire) => {
    const name = nameOf(wire, "text");
    const listed = [];
    for await (const model of CLIENT.models.list()) listed.push(model.id);
    check(listed.includes(name), true, "listed");
    check((await CLIENT.models.retrieve(name)).id, name);
});

// The client asks for base64 when nobody says, and older ones decode what comes without a look: a
// list of numbers would silently become a vector of a quarter of the length.
judge.case("embeddings", async (wire) => {
    if (!(wire in judging.VECTOR_MODELS)) return;
    const asked = {model: judging.VECTOR_MODELS[wire], input: ["one", "two"]};
    const packed = await CLIENT.embeddings.create(asked);
    const plain = await CLIENT.embeddings.create({...asked, encoding_format: "float"});
    check(packed.data.map((each) => each.index), [0, 1]);
    for (const [index, {embedding}] of packed.data.entries()) {
        const expected = plain.data[index].embedding.map(Math.fround);
        check(embedding.length > 1, true, "length");
        check([...embedding], expected, "vector");
    }
});

const RESPONSE_TOOLS = [{type: "function", ...FUNCTION, strict: false}];

/** The response, put together by the client if it was streamed. */
function respond(model, {isStreamed, ...fields}) {
    if (!isStreamed) return CLIENT.responses.create({model, ...fields});
    return CLIENT.responses.stream({model, ...fields}).finalResponse();
}

/** What an application says to the calls of a response. */
function resultsOf(called, cities) {
    const calls = called.output.filter((item) => item.type === "function_call");
    check(calls.map((call) => JSON.parse(call.arguments)), cities, "arguments");
    const result = {type: "function_call_output", output: judging.RESULT};
    return calls.map((call) => ({...result, call_id: call.call_id}));
}

judge.case("responses", async (wire) => {
    for (const isStreamed of BOTH) {
        const answer = await respond(nameOf(wire, "text"), {isStreamed, input: "Hello"});
        check([answer.output_text, answer.status], [TEXT, "completed"]);
        check([answer.usage.input_tokens, answer.usage.output_tokens], [25, 7], "usage");
        check(answer.usage.input_tokens_details.cached_tokens, 5, "cached tokens");
        const text = {format: {type: "json_schema", ...FORMAT}};
        const asked = {isStreamed, input: "Hello", text};
        const {output_text: said} = await respond(nameOf(wire, "forecast"), asked);
        check(JSON.parse(said), judging.FORECAST);
    }
});

judge.case("responses_remembered", async (wire) => {
    for (const isStreamed of BOTH) {
        const options = {isStreamed, tools: RESPONSE_TOOLS};
        const model = nameOf(wire, "parallel_tools");
        const called = await respond(model, {...options, input: judging.QUESTION});
        const input = resultsOf(called, CITIES);
        const last = await respond(model, {...options, input, previous_response_id: called.id});
        check(last.output_text, TEXT);
        check((await CLIENT.responses.retrieve(last.id)).output_text, TEXT, "retrieved");
    }
});

// As applications do that keep the history themselves: items go back as they came.
judge.case("responses_provider_changes", async (wire) => {
    for (const [first, second, third] of judging.changesFrom(wire)) {
        for (const isStreamed of BOTH) {
            const reasoning = {effort: "high", summary: "auto"};
            const options = {isStreamed, tools: RESPONSE_TOOLS, store: false, reasoning};
            const input = [{role: "user", content: judging.QUESTION}];
            for (const [caller, teller] of [[first, second], [second, third], [third, first]]) {
                const asked = {...options, include: ["reasoning.encrypted_content"], input};
                const called = await respond(nameOf(caller, "thinking_tools"), asked);
                input.push(...called.output, ...resultsOf(called, CITIES));
                const last = await respond(nameOf(teller, "thinking_tools"), asked);
                check(last.output_text, TEXT);
                input.push(...last.output, {role: "user", content: "And tomorrow?"});
            }
        }
    }
});

judge.case("responses_errors", async (wire) => {
    const asked = {input: "Hello"};
    for (const [script, status] of judging.FAILURES) {
        const model = nameOf(wire, `${script}/responses`);
        const streamed = () => respond(`${model}/${AGAIN}`, {...asked, isStreamed: true});
        await judging.checkError(ERRORS, status, () => respond(model, asked));
        await judging.checkError(ERRORS, status, streamed);
    }
    for (const script of judging.CUT) {
        const asking = () => respond(nameOf(wire, script), {...asked, isStreamed: true});
        const error = await judging.failureOf(asking, script);
        check(error.message.includes("broke off"), true, error.message);
    }
});

await judge.run();
