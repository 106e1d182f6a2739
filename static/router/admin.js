/* Gives every field a name that screen readers read: searchable selects, cells of tables, split dates. */
(() => {
    const FIELDS = "input:not([type=hidden]):not([type=submit]):not([type=button]), select, textarea";
    const SEARCHABLE = ".select2-selection, .select2-selection__rendered";
    const textOf = (element) => (element ? element.textContent.trim() : "");
    const headerOf = (field) => {
        const cell = field.closest("td");
        const table = field.closest("table");
        const headers = table ? table.querySelectorAll("thead th, thead td") : [];
        return cell ? textOf(headers[cell.cellIndex]) : "";
    };
    const nameOf = (field) => {
        const own = field.id && document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
        const row = field.closest(".form-row, [class*='field-']");
        const near = textOf(row && row.querySelector("label, legend"));
        const part = field.placeholder || "";
        return textOf(own) || headerOf(field) || [near, part].filter(Boolean).join(" ") || field.name;
    };
    const needsName = (field) => !field.getAttribute("aria-label") && !(field.labels && field.labels.length);
    const nameAll = () => {
        document.querySelectorAll(FIELDS).forEach((field) => {
            if (field.name && needsName(field)) field.setAttribute("aria-label", nameOf(field));
        });
        document.querySelectorAll("select.select2-hidden-accessible").forEach((select) => {
            select.parentElement.querySelectorAll(SEARCHABLE).forEach((box) => {
                if (box.getAttribute("aria-label")) return;
                box.removeAttribute("aria-labelledby");
                box.setAttribute("aria-label", nameOf(select));
            });
        });
    };
    const watch = () => {
        nameAll();
        new MutationObserver(nameAll).observe(document.body, {childList: true, subtree: true});
    };
    document.addEventListener("DOMContentLoaded", watch);
})();
