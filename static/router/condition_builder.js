/* Turns the text area of a rule's condition into groups and clauses; the JSON in it stays the truth.

   Everything it offers comes with the page (data-condition-builder): fields, the operators that fit
   them, the values that fit those, and the words. What was not touched is written back as it was. */
(() => {
    const SEVERAL = 60;
    const GROUPS = ["all", "any", "none"];
    const element = (tag, attributes = {}, ...children) => {
        const made = document.createElement(tag);
        Object.entries(attributes).forEach(([name, value]) => {
            if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
            else if (value === true) made.setAttribute(name, "");
            else if (value !== false && value !== null) made.setAttribute(name, value);
        });
        made.append(...children);
        return made;
    };
    const isGroup = (node) => {
        const names = node && typeof node === "object" ? Object.keys(node) : [];
        return names.length === 1 && GROUPS.includes(names[0]) && Array.isArray(node[names[0]]);
    };
    const isClause = (node) => Boolean(node && typeof node === "object" && typeof node.field === "string");
    const isTree = (node) => isGroup(node) && Object.values(node)[0].every((item) => isClause(item) || isTree(item));
    const listed = (value) => (Array.isArray(value) ? value : value === undefined || value === "" ? [] : [value]);
    const text = (value) => (value === undefined || value === null ? "" : String(value));

    class Builder {
        constructor(area) {
            this.area = area;
            this.schema = JSON.parse(area.dataset.conditionBuilder);
            this.words = this.schema.words;
            this.serial = 0;
            this.tree = null;
            this.root = element("div", {"data-testid": "condition-builder"});
            this.status = element("p", {"aria-live": "polite", class: "router-hidden"});
            this.json = element("details", {}, element("summary", {}, this.words.asJson));
            area.before(element("div", {class: "conditions"}, this.root, this.status, this.json));
            this.json.append(area);
            area.addEventListener("change", () => this.read());
            this.read();
        }

        /* --- between the text and the tree --- */

        read() {
            let found = null;
            try { found = JSON.parse(this.area.value.trim() || "{}"); } catch { found = null; }
            if (found && Object.keys(found).length === 0) found = {all: []};
            this.tree = isTree(found) ? found : null;
            if (this.tree === null) this.json.open = true;
            this.draw();
        }

        write() {
            const isEmpty = Array.isArray(this.tree.all) && this.tree.all.length === 0;
            this.area.value = JSON.stringify(isEmpty ? {} : this.tree, null, 2);
        }

        /* Draws all again; the focus goes to what `focusOn` finds, else it stays with the page. */
        draw(focusOn = null) {
            const drawn = this.tree ? this.group(this.tree, 1, null) : element("p", {role: "alert"}, this.words.broken);
            this.root.replaceChildren(drawn);
            const target = focusOn && this.root.querySelector(focusOn);
            if (target) target.focus();
        }

        changed(said, focusOn) {
            this.write();
            this.draw(focusOn);
            this.status.textContent = said;
        }

        /* --- groups --- */

        group(node, depth, removal) {
            const kind = Object.keys(node)[0];
            const members = node[kind];
            const id = `group-${(this.serial += 1)}`;
            const rows = members.map((member, index) => element("li", {}, this.member(member, depth, members, index)));
            const isBare = depth === 1 && kind === "all" && !members.length;
            const isFresh = this.fresh === node;
            if (isFresh) this.fresh = null;
            return element("fieldset", {"data-group": id, "data-fresh": isFresh},
                element("legend", {}, `${this.words.group} ${depth}`),
                this.kindPicker(node, kind),
                element("ul", {}, ...rows),
                isBare ? element("p", {}, this.words.empty) : "",
                this.groupButtons(members, depth, id, removal));
        }

        kindPicker(node, kind) {
            const choices = this.schema.groups.map((item) => ({value: item.name, label: item.label}));
            return this.select(choices, kind, {"aria-label": this.words.kind}, (value) => {
                const [old] = Object.keys(node);
                const members = node[old];
                delete node[old];
                node[value] = members;
                this.write();
            });
        }

        groupButtons(members, depth, id, removal) {
            const add = (member, place) => () => {
                members.push(member());
                this.changed(this.words.added, place);
            };
            const first = this.schema.fields[0];
            const clause = () => (this.fresh = {field: first.name, operator: first.operators[0].name, value: ""});
            const group = () => (this.fresh = {all: []});
            return element("div", {class: "conditions-buttons"},
                element("button", {type: "button", onclick: add(clause, "[data-fresh] select")}, this.words.addCondition),
                depth < this.schema.maxDepth
                    ? element("button", {type: "button", onclick: add(group, "[data-fresh] button")}, this.words.addGroup)
                    : "",
                removal ? this.removeButton(removal, this.words.group) : "");
        }

        removeButton(removal, what) {
            const name = `${this.words.remove}: ${what}`;
            return element("button", {type: "button", "aria-label": name, onclick: removal}, this.words.remove);
        }

        member(member, depth, members, index) {
            const removal = () => {
                members.splice(index, 1);
                this.changed(this.words.removed, "[data-group] .conditions-buttons button");
            };
            const drawn = isClause(member)
                ? this.clause(member, removal, `${this.words.condition} ${index + 1}`)
                : this.group(member, depth + 1, removal);
            if (this.fresh === member) {
                drawn.setAttribute("data-fresh", "");
                this.fresh = null;
            }
            return drawn;
        }

        /* --- clauses --- */

        fieldOf(clause) {
            const exact = this.schema.fields.find((field) => field.name === clause.field && !field.open);
            const open = this.schema.fields.find((field) => field.open && clause.field.startsWith(field.name));
            return exact || open || {name: clause.field, label: clause.field, input: "text", choices: [], operators: []};
        }

        /* What stands right of a choice is drawn again, the choice itself stays: it keeps the focus. */
        clause(clause, removal, name) {
            const row = element("div", {class: "conditions-clause", role: "group", "aria-label": name});
            const rest = element("span", {class: "conditions-clause"});
            row.append(this.fieldPicker(clause, this.fieldOf(clause), rest), rest, this.removeButton(removal, name));
            this.drawRest(clause, rest);
            return row;
        }

        drawRest(clause, rest) {
            const field = this.fieldOf(clause);
            const operator = this.operatorOf(clause, field);
            const place = element("span", {}, this.value(clause, field, operator));
            rest.replaceChildren(
                field.open ? this.keyInput(clause, field) : "",
                this.operatorPicker(clause, field, place),
                place);
        }

        operatorOf(clause, field) {
            return field.operators.find((item) => item.name === clause.operator)
                || {name: clause.operator, label: text(clause.operator), count: "many"};
        }

        fieldPicker(clause, field, rest) {
            const known = this.schema.fields.map((item) => ({value: item.name, label: item.label}));
            const choices = known.some((item) => item.value === field.name) ? known : [...known, {value: field.name, label: field.label}];
            return this.select(choices, field.name, {"aria-label": this.words.field}, (value) => {
                const chosen = this.schema.fields.find((item) => item.name === value);
                clause.field = value;
                clause.operator = chosen.operators[0].name;
                this.clear(clause, chosen, chosen.operators[0]);
                this.write();
                this.drawRest(clause, rest);
            });
        }

        keyInput(clause, field) {
            return element("input", {
                type: "text", required: true, "aria-label": this.words.key, placeholder: this.words.key,
                value: clause.field.slice(field.name.length),
                oninput: (event) => { clause.field = field.name + event.target.value.trim(); this.write(); },
            });
        }

        operatorPicker(clause, field, place) {
            const operator = this.operatorOf(clause, field);
            const known = field.operators.map((item) => ({value: item.name, label: item.label}));
            const choices = known.some((item) => item.value === operator.name) ? known : [...known, {value: operator.name, label: operator.label}];
            return this.select(choices, operator.name, {"aria-label": this.words.operator}, (value) => {
                const before = this.operatorOf(clause, field);
                clause.operator = value;
                const chosen = this.operatorOf(clause, field);
                if (chosen.count !== before.count) this.clear(clause, field, chosen);
                this.write();
                place.replaceChildren(this.value(clause, field, chosen));
            });
        }

        clear(clause, field, operator) {
            const empty = field.input === "flag" ? true : "";
            clause.value = operator.count === "two" ? ["", ""] : operator.count === "many" ? [] : empty;
        }

        /* --- values --- */

        value(clause, field, operator) {
            if (field.input === "flag") return this.flag(clause);
            if (operator.count === "two") return this.range(clause, field);
            if (operator.count === "one") {
                return this.input(field, text(clause.value), this.words.value, (value) => { clause.value = value; });
            }
            const isShort = field.choices.length && field.choices.length <= SEVERAL;
            return field.closed && operator.picks && isShort ? this.ticks(clause, field) : this.lines(clause, field);
        }

        flag(clause) {
            const choices = [{value: "true", label: this.words.yes}, {value: "false", label: this.words.no}];
            return this.select(choices, String(clause.value !== false), {"aria-label": this.words.value}, (value) => {
                clause.value = value === "true";
                this.write();
            });
        }

        range(clause, field) {
            const pair = listed(clause.value);
            const put = (place) => (value) => {
                const both = [...listed(clause.value), "", ""].slice(0, 2);
                both[place] = value;
                clause.value = both;
            };
            return element("span", {class: "conditions-ticks"},
                this.input(field, text(pair[0]), this.words.from, put(0)),
                this.input(field, text(pair[1]), this.words.to, put(1)));
        }

        input(field, value, label, put) {
            const isNumber = field.input === "number";
            const read = (typed) => (isNumber && typed !== "" ? Number(typed) : typed);
            return element("input", {
                type: field.input, step: isNumber ? "any" : null, value, "aria-label": label,
                oninput: (event) => { put(read(event.target.value)); this.write(); },
            });
        }

        ticks(clause, field) {
            const chosen = listed(clause.value).map(String);
            const extra = chosen.filter((value) => !field.choices.some((item) => item.value === value));
            const choices = [...field.choices, ...extra.map((value) => ({value, label: value}))];
            const tick = (choice) => element("label", {}, element("input", {
                type: "checkbox", checked: chosen.includes(choice.value),
                onchange: (event) => {
                    const kept = listed(clause.value).map(String).filter((value) => value !== choice.value);
                    clause.value = event.target.checked ? [...kept, choice.value] : kept;
                    this.write();
                },
            }), choice.label);
            return element("span", {class: "conditions-ticks", role: "group", "aria-label": this.words.value}, ...choices.map(tick));
        }

        lines(clause, field) {
            const values = listed(clause.value).map(String);
            const area = element("textarea", {
                rows: Math.max(1, values.length), "aria-label": this.words.values, placeholder: this.words.values,
                oninput: (event) => {
                    const lines = event.target.value.split("\n").filter((line) => line.trim());
                    event.target.rows = Math.max(1, event.target.value.split("\n").length);
                    clause.value = lines;
                    this.write();
                },
            });
            area.value = values.join("\n");
            return field.choices.length ? element("span", {class: "conditions-ticks"}, area, this.suggestions(area, field)) : area;
        }

        suggestions(area, field) {
            const choices = [{value: "", label: "+"}, ...field.choices];
            return this.select(choices, "", {"aria-label": `${this.words.value}: ${field.label}`}, (value, picker) => {
                if (value) area.value = [...area.value.split("\n").filter((line) => line.trim()), value].join("\n");
                picker.value = "";
                area.dispatchEvent(new Event("input"));
            });
        }

        select(choices, value, attributes, change) {
            const options = choices.map((item) => element("option", {value: item.value, selected: item.value === value}, item.label));
            return element("select", {...attributes, onchange: (event) => change(event.target.value, event.target)}, ...options);
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        document.querySelectorAll("textarea[data-condition-builder]").forEach((area) => new Builder(area));
    });
})();
