"""Thông báo: a phone is told of alarms while the page is closed. A real service worker, a faked push service."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Worker, expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.pushes import KEY
from tests.web.village import Village

# Chromium would ask its maker's servers; this is what of its PushManager a page sees.
BROWSER = """
  let made = null;
  const subscribe = async ({ applicationServerKey: key, userVisibleOnly }) => {
    if (!userVisibleOnly) throw new Error("refused");
    if (localStorage.unreachable) throw new DOMException("Registration failed - push service error", "AbortError");
    if (made && made.key !== key) throw new DOMException("another key", "InvalidStateError");
    made = { key, unsubscribe: async () => { made = null; localStorage.removeItem("subscribed"); return true; },
      toJSON: () => ({ endpoint: "https://push.example/1", expirationTime: null, keys: { p256dh: "p", auth: "a" } }) };
    localStorage.subscribed = key;
    return made;
  };
  PushManager.prototype.subscribe = subscribe;
  PushManager.prototype.getSubscription = async () => {
    const key = localStorage.subscribed;
    if (key && !made) await subscribe({ applicationServerKey: key, userVisibleOnly: true });
    return made;
  };
  if (location.protocol !== "about:") navigator.serviceWorker.register("/sw.js"); // sooner than the page would
"""


def phone(phones: Phones, *, consents: bool = True, size: tuple[int, int] = (390, 844), theme: str = "dark") -> Officer:
    """Return an officer whose browser has a service worker and a push service."""
    officer = phones.officer(workers=True, size=size, theme=theme)
    context = officer.page.context
    context.add_init_script(BROWSER)
    if consents:
        context.grant_permissions(["notifications"])
    return officer


def worker(page: Page) -> Worker:
    """Return the page's service worker, once it runs."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page.context.service_workers[0]


def test_a_phone_is_turned_on_tried_and_turned_off(phones: Phones, village: Village) -> None:
    """Issue 7, 6. One tap and the browser's question; what is said is what the gate answered."""
    officer = phone(phones).opens("#them")
    page = officer.page
    page.get_by_role("link", name="Thông báo").click()
    officer.sees("Máy này chưa nhận thông báo")
    page.screenshot(path="artefacts/push-off.png")
    page.get_by_role("button", name="Nhận thông báo trên máy này").click()
    officer.sees("Máy này đang nhận thông báo")
    (asked,) = village.pushes.asked
    body = {"endpoint": "https://push.example/1", "keys": {"p256dh": "p", "auth": "a"}, "language": "vi"}
    assert asked == ("PUT /phone", body)
    assert page.evaluate("localStorage.subscribed") == KEY
    page.get_by_role("button", name="Gửi thử").click()
    officer.sees("Cổng đang gửi. Ít giây nữa sẽ hiện")
    page.screenshot(path="artefacts/push-on.png", full_page=True)
    page.get_by_role("button", name="Thôi nhận trên máy này").click()
    officer.sees("Máy này chưa nhận thông báo")
    assert page.evaluate("localStorage.subscribed ?? null") is None


def test_each_chooses_what_and_when(phones: Phones, village: Village) -> None:
    officer = phone(phones).opens("#thong-bao")
    page = officer.page
    page.get_by_role("group", name="Báo những việc nào").get_by_role("button", name="Khẩn cấp").click()
    officer.sees("Mở trái phép, che mắt thần")
    page.get_by_role("button", name="Theo giờ").click()
    page.get_by_label("Đến").fill("21:00")
    page.get_by_label("Đến").blur()
    always = page.get_by_role("switch", name="Ngoài giờ này vẫn báo việc khẩn cấp")
    always.click()
    expect(always).to_have_attribute("aria-checked", "false")
    assert village.pushes.choice == {"least": "urgent", "start": "05:30", "end": "21:00", "urgent_always": False}
    page.get_by_role("button", name="Mọi lúc").click()
    expect(page.get_by_label("Đến")).to_be_hidden()
    assert village.pushes.choice["start"] is None


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("Object.defineProperty(window, 'isSecureContext', { value: false })", "Chỉ nhận được khi mở trang qua HTTPS."),
        ("delete window.PushManager", "Trình duyệt này không nhận được thông báo."),
        ("Object.defineProperty(Notification, 'permission', { value: 'denied' })", "Trình duyệt đang chặn."),
    ],
    ids=["secure", "able", "allowed"],
)
def test_what_a_browser_lacks_is_said_and_nothing_is_offered(phones: Phones, missing: str, words: str) -> None:
    officer = phone(phones, consents=False)
    officer.page.context.add_init_script(missing)
    officer.opens("#thong-bao")
    officer.sees(words)
    expect(officer.page.get_by_role("button", name="Nhận thông báo")).to_be_hidden()
    officer.sees("iPad trực ban")


def test_a_push_service_out_of_reach_and_a_gate_that_sends_none(phones: Phones, village: Village) -> None:
    officer = phone(phones).opens("#thong-bao")
    page = officer.page
    page.evaluate("localStorage.unreachable = '1'")
    page.get_by_role("button", name="Nhận thông báo trên máy này").click()
    officer.sees("Trình duyệt chưa đăng ký được thông báo. Kiểm tra mạng rồi thử lại.")
    village.pushes.refuses = "push_off"
    page.reload()
    officer.sees("Cổng này không gửi thông báo.")


def test_a_phone_that_is_signed_in_anew_goes_on_being_told(phones: Phones, village: Village) -> None:
    """The browser is still subscribed, the session is another: nobody has to think of it."""
    officer = phone(phones)
    officer.page.context.add_init_script(f"localStorage.subscribed = '{KEY}'")
    with officer.page.expect_response("**/api/v1/push/phone"):
        officer.opens()
    assert [asked for asked, _ in village.pushes.asked] == ["PUT /phone"]


def test_a_browser_that_lost_its_subscription_is_subscribed_again(phones: Phones, village: Village) -> None:
    """The gate believes that this phone is told; nobody would notice before the week is over."""
    village.pushes.turn_on()
    officer = phone(phones)
    with officer.page.expect_response("**/api/v1/push/phone"):
        officer.opens()
    assert officer.page.evaluate("localStorage.subscribed") == KEY


def test_a_wait_for_the_push_service_is_shown(phones: Phones) -> None:
    """Subscribing takes seconds on 3G; nothing jumps for it."""
    officer = phone(phones).opens("#thong-bao")
    page = officer.page
    page.evaluate(
        """() => { PushManager.prototype.subscribe = () => new Promise((_, fail) =>
          setInterval(() => localStorage.enough && fail(new DOMException()), 20)); }"""
    )
    page.get_by_role("button", name="Nhận thông báo trên máy này").click()
    view = page.locator(".under")
    expect(view).to_have_css("opacity", "0.55")
    page.evaluate("localStorage.enough = '1'")
    officer.sees("Trình duyệt chưa đăng ký được thông báo")
    expect(view).to_have_css("opacity", "1")


def test_a_touch_lands_on_the_event_with_the_page_closed_and_nobody_signed_in(phones: Phones, village: Village) -> None:
    """The worker opens the page; whoever signs in first is then where the message leads, not at the gate."""
    village.tell("command_refused", {"command": "open", "code": "estop"}, ago_s=7200)
    at = village.facts[-1]["at"]
    officer = phone(phones).opens()
    page = officer.page
    running = worker(page)
    village.sessions.clear()
    page.goto("about:blank")
    opened = running.evaluate(
        "place => { clients.openWindow = async (url) => url; return open({ close() {}, data: place }); }",
        f"#nhat-ky/{at}",
    )
    assert opened == f"./#nhat-ky/{at}"
    page.goto(village.address + opened[2:])
    page.get_by_label("Tên đăng nhập").fill("an")
    page.get_by_label("Mật khẩu").fill("mat-khau-dai")
    page.keyboard.press("Enter")
    expect(page.locator(".entry[data-aimed]")).to_be_in_viewport()


def test_a_message_is_shown_as_it_says_and_a_touch_opens_its_moment(phones: Phones) -> None:
    """In the real service worker: one notification a subject, the newest; the open page is taken there."""
    officer = phone(phones).opens()
    page = officer.page
    running = worker(page)
    client = page.context.new_cdp_session(page)
    found: list[str] = []
    client.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    client.send("ServiceWorker.enable")
    page.wait_for_timeout(100)
    at = "2026-11-20T14:04:05.678Z"
    for calm, body in ((False, "Cổng thôn 3 · 21:04 20/11"), (True, "Cổng thôn 3 · Đã có người nắm tin")):
        message = {"title": "Cổng bị mở trái phép", "body": body, "tag": "forced_open", "calm": calm, "lang": "vi",
                   "open": f"#nhat-ky/{at}"}  # fmt: skip
        client.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": village_origin(page), "registrationId": found[-1], "data": json.dumps(message)},
        )
    shown = running.evaluate(
        """async () => {
          for (;;) {
            const [one] = await registration.getNotifications();
            if (one?.body.includes("nắm tin")) {
              const all = await registration.getNotifications();
              const event = new NotificationEvent("notificationclick", { notification: one });
              dispatchEvent(event);
              return all.map(({ title, body, tag, silent, data }) => ({ title, body, tag, silent, data }));
            }
            await new Promise((done) => setTimeout(done, 20));
          }
        }"""
    )
    assert shown == [
        {"title": "Cổng bị mở trái phép", "body": "Cổng thôn 3 · Đã có người nắm tin", "tag": "forced_open",
         "silent": True, "data": f"#nhat-ky/{at}"},
    ]  # fmt: skip
    expect(page.locator("main")).to_have_attribute("data-route", "diary")


def village_origin(page: Page) -> str:
    """Return the page's origin."""
    return str(page.evaluate("location.origin"))
