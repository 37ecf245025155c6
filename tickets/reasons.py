"""Why a ticket goes to people, and how urgent it is."""

from django.db import models


class Reason(models.TextChoices):
    """Why the assistant or a rule hands a ticket to people."""

    CUSTOMER_REQUEST = "customer_request", "Asked for a person"
    MISSING_KNOWLEDGE = "missing_knowledge", "No article answers it"
    PRICING_INQUIRY = "pricing_inquiry", "Prices"
    REFUND_REQUEST = "refund_request", "Refund"
    LEGAL = "legal", "Legal or privacy"
    ABUSE = "abuse", "Abuse"
    NEGATIVE_SENTIMENT = "negative_sentiment", "Unhappy customer"
    SECURITY = "security", "Security"
    ACCOUNT_ACTION = "account_action", "Account action"
    POLICY = "policy", "Policy"
    LOW_CONFIDENCE = "low_confidence", "Not sure enough"
    TOOL_FAILURE = "tool_failure", "The assistant failed"
    USAGE_LIMIT = "usage_limit", "Usage limit"
    PROCESSING_ERROR = "processing_error", "Could not be processed"
    DELIVERY_FAILED = "delivery_failed", "A reply was not delivered"
    UNSUPPORTED_MEDIA = "unsupported_media", "Media"


class Urgency(models.TextChoices):
    LOW = "low", "Low"
    NORMAL = "normal", "Normal"
    HIGH = "high", "High"
    CRITICAL = "critical", "Critical"
