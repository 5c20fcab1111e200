"""Writing a page."""

from starlette.responses import HTMLResponse

from steadyhand.web.desk import Desk


def page(desk: Desk, template: str, status: int = 200, **shown: object) -> HTMLResponse:
    """A page of this template; everything shown is escaped by it."""
    text = desk.templates.get_template(template).render(**shown)
    return HTMLResponse(text, status_code=status)


def error_page(desk: Desk, status: int, title: str, why: str, headers: dict[str, str]) -> HTMLResponse:
    """A page that says what went wrong and what would help."""
    answer = page(desk, "error.html", status, title=title, why=why)
    answer.headers.update(headers)
    return answer
