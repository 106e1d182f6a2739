"""Shapes of the data plane's bodies, for the OpenAPI schema (parsing is in `wire/`)."""

from rest_framework import serializers


class MessageSchema(serializers.Serializer[None]):
    role = serializers.ChoiceField(choices=("system", "user", "assistant"))
    content = serializers.CharField()


class AskSchema(serializers.Serializer[None]):
    model = serializers.CharField(
        default="auto", help_text="An alias, a model of the catalogue, or auto."
    )
    messages = MessageSchema(many=True, required=False)
    prompt_template = serializers.CharField(
        required=False, help_text="Short name of a published prompt template."
    )
    variables = serializers.DictField(
        required=False, help_text="Values of the template's variables."
    )
    conversation_id = serializers.CharField(
        required=False, help_text='"new" begins a conversation; conv_… goes on with one.'
    )
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    user = serializers.CharField(
        required=False, help_text="Whom the request is for, in your own words; rules may read it."
    )
    metadata = serializers.DictField(
        required=False,
        help_text="Up to 16 pairs; rules may read those with a text, a number or true or false.",
    )
    max_output_tokens = serializers.IntegerField(required=False, min_value=1)
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2)
    top_p = serializers.FloatField(required=False, min_value=0, max_value=1)
    stop = serializers.ListField(child=serializers.CharField(), required=False)


class CostSchema(serializers.Serializer[None]):
    micro_usd = serializers.IntegerField()
    usd = serializers.CharField()


class UsageSchema(serializers.Serializer[None]):
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cached_input_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    is_estimated = serializers.BooleanField()


class AnswerSchema(serializers.Serializer[None]):
    id = serializers.CharField()
    decision_id = serializers.CharField()
    model = serializers.CharField()
    provider = serializers.CharField()
    conversation_id = serializers.CharField(allow_null=True)
    cache = serializers.ChoiceField(choices=("off", "miss", "hit"))
    cost = CostSchema()
    message = MessageSchema()
    finish_reason = serializers.CharField()
    usage = UsageSchema()


class RuleSchema(serializers.Serializer[None]):
    id = serializers.CharField()
    name = serializers.CharField()


class VersionsSchema(serializers.Serializer[None]):
    platform = serializers.IntegerField()
    tenant = serializers.IntegerField()


class AttemptSchema(serializers.Serializer[None]):
    deployment = serializers.CharField()
    model = serializers.CharField()
    provider = serializers.CharField()
    expected_cost = CostSchema()
    worst_case_cost = CostSchema()
    max_output_tokens = serializers.IntegerField()


class ArmSchema(serializers.Serializer[None]):
    name = serializers.CharField()
    propensity = serializers.FloatField()


class CostRangeSchema(serializers.Serializer[None]):
    low = CostSchema()
    expected = CostSchema()
    high = CostSchema()


class DecisionSchema(serializers.Serializer[None]):
    id = serializers.CharField()
    decision_id = serializers.CharField()
    outcome = serializers.ChoiceField(
        choices=("route", "reject", "unknown_model", "ineligible", "unhealthy")
    )
    rule = RuleSchema(allow_null=True)
    arm = ArmSchema(allow_null=True)
    versions = VersionsSchema()
    cost = CostRangeSchema()
    attempts = AttemptSchema(many=True)
    explanation = serializers.ListField(child=serializers.CharField())
    trace = serializers.ListField(child=serializers.DictField())


class ErrorDetailSchema(serializers.Serializer[None]):
    code = serializers.CharField()
    message = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    details = serializers.DictField()


class ErrorSchema(serializers.Serializer[None]):
    error = ErrorDetailSchema()
