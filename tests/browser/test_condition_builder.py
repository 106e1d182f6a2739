"""The condition builder of the rule form: groups, fitting operators and inputs, by keyboard."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.acts import keep_screenshot, serious_faults, sign_in
from tests.factories.demo_site import DemoSite

pytestmark = pytest.mark.browser


@pytest.fixture
def builder(page: Page, site: DemoSite) -> Locator:
    sign_in(page, site, "rule_editor")
    page.goto("/admin/routing/rule/add/")
    return page.get_by_test_id("condition-builder")


def tree_of(page: Page) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(page.locator("#id_conditions").input_value())
    return tree


def press(page: Page, button: Locator) -> None:
    button.focus()
    page.keyboard.press("Enter")


def test_builder__by_keyboard_alone__makes_groups_three_levels_deep(
    page: Page, builder: Locator
) -> None:
    press(page, builder.get_by_role("button", name="Add a condition"))
    # The focus is on the new row: choose by typing, then on with the tabulator.
    page.keyboard.type("prompt tok")
    page.keyboard.press("Tab")
    page.keyboard.type("is bet")
    page.keyboard.press("Tab")
    page.keyboard.type("100")
    page.keyboard.press("Tab")
    page.keyboard.type("2000")
    press(page, builder.get_by_role("button", name="Add a group"))
    inner = builder.locator("fieldset fieldset")
    inner.get_by_label("How the conditions").select_option("none")
    press(page, inner.get_by_role("button", name="Add a group"))
    deepest = builder.locator("fieldset fieldset fieldset")
    expect(deepest.get_by_role("button", name="Add a group")).to_have_count(0)
    press(page, deepest.get_by_role("button", name="Add a condition"))
    deepest.get_by_label("Field").select_option("weekday")
    deepest.get_by_label("Saturday").check()
    deepest.get_by_label("Sunday").check()
    weekend = {"field": "weekday", "operator": "is", "value": ["sat", "sun"]}
    between = {"field": "prompt_tokens", "operator": "between", "value": [100, 2000]}
    assert tree_of(page) == {"all": [between, {"none": [{"all": [weekend]}]}]}
    keep_screenshot(page, "condition-builder")
    assert serious_faults(page) == []


def test_builder__another_field__offers_only_what_fits_it(page: Page, builder: Locator) -> None:
    builder.get_by_role("button", name="Add a condition").click()
    row = builder.get_by_role("group", name="Condition 1")
    offered = {
        "tag": ["has", "has_not", "has_all"],
        "in_conversation": ["is"],
        "time_of_day": ["between", "not_between"],
        "message_text": ["contains", "matches"],
    }
    for field, operators in offered.items():
        row.get_by_label("Field").select_option(field)
        options = row.get_by_label("Comparison").locator("option").all()
        assert [option.get_attribute("value") for option in options] == operators
    row.get_by_label("Field").select_option("metadata.")
    row.get_by_label("Name of the metadata").fill("plan")
    row.get_by_label("Values").fill("gold\nfree, for now")
    values = ["gold", "free, for now"]
    assert tree_of(page) == {"all": [{"field": "metadata.plan", "operator": "is", "value": values}]}
    row.get_by_role("button", name="Remove").click()
    assert tree_of(page) == {}
    expect(builder.get_by_text("applies to every request")).to_be_visible()


def test_builder__stored_tree__is_shown_and_kept_to_the_letter(
    page: Page, builder: Locator
) -> None:
    tree = {"any": [{"field": "user", "operator": "is", "value": "u-1"}, {"none": []}]}
    summary = page.get_by_text("The condition as JSON")
    summary.click()
    page.locator("#id_conditions").fill(json.dumps(tree))
    page.locator("#id_conditions").blur()
    expect(builder.get_by_label("Values")).to_have_value("u-1")
    builder.get_by_role("button", name="Add a condition").last.click()
    builder.get_by_role("button", name="Remove: Condition 3").click()
    assert tree_of(page) == tree
    page.locator("#id_conditions").fill("{")
    page.locator("#id_conditions").blur()
    expect(builder.get_by_text("This JSON is not a condition")).to_be_visible()


def test_builder__without_script__leaves_the_text_area_and_its_help(
    chromium: Browser, site: DemoSite
) -> None:
    context = chromium.new_context(
        base_url=site.base_url, locale="en-US", java_script_enabled=False
    )
    page = context.new_page()
    sign_in(page, site, "rule_editor")
    page.goto("/admin/routing/rule/add/")
    area = page.locator("#id_conditions")
    assert (area.get_attribute("rows"), area.input_value()) == ("8", "{}")
    expect(page.get_by_text("As JSON: groups all")).to_have_count(1)
    expect(page.get_by_test_id("condition-builder")).to_have_count(0)
    context.close()
