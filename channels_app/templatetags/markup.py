"""Markdown in templates."""

from django import template

from fte_project.markup import to_html, to_plain

register = template.Library()
register.filter("plain", to_plain)
register.filter("html", to_html)
