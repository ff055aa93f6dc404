// What a page says of its layout, at the present width of its window.
// docs/site_checks/judge.py says which of it is a fault.
() => {
    const round = Math.round;
    const start = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60);
    const shown = (e) => e.checkVisibility() && e.getClientRects().length > 0;
    // Formulae and drawings lay out their own glyphs.
    const SKIP = "script, style, noscript, template, mjx-container, svg, dialog";

    const isWider = (inner, outer) =>
        inner && inner.getBoundingClientRect().width > outer.clientWidth + 1;

    // Boxes that hold more than they show.
    function cut() {
        const found = [];
        for (const e of document.querySelectorAll("main *, header *, aside *, nav *")) {
            const wide = e.scrollWidth - e.clientWidth;
            const high = e.scrollHeight - e.clientHeight;
            // Boxes of a pixel or two are text for screen readers.
            if ((wide < 2 && high < 2) || e.clientWidth < 3 || e.clientHeight < 3) continue;
            const style = getComputedStyle(e);
            const cutX = wide > 1 && style.overflowX !== "visible";
            const cutY = high > 1 && ["hidden", "clip"].includes(style.overflowY);
            if ((!cutX && !cutY) || !shown(e) || e.closest("svg, mjx-container *")) continue;
            // A formula has a second text, for screen readers, in a box of its own.
            if (e.matches("mjx-container, .math") && !isWider(e.querySelector("mjx-math"), e))
                continue;
            found.push({
                what: e.closest(".sphx-glr-script-out") && e.matches("pre") ? "output"
                    : e.matches("pre, .highlight") ? "code"
                    : e.matches("table, .pst-scrollable-table-container") ? "table"
                    : e.matches("mjx-container, .math") ? "formula"
                    : e.matches(".full-size") ? "figure" : e.tagName.toLowerCase() +
                        (e.className ? "." + e.className.toString().split(" ")[0] : ""),
                wide: cutX ? wide : 0,
                high: cutY ? high : 0,
                scrolls: ["auto", "scroll"].includes(style.overflowX),
                bar: e.offsetHeight - e.clientHeight
                    - parseFloat(style.borderTopWidth) - parseFloat(style.borderBottomWidth),
                text: start(e.innerText ?? ""),
            });
        }
        return found;
    }

    // Words that go on in another line, and texts as they are shown.
    function texts() {
        const broken = [], residue = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const range = document.createRange();
        const isSplit = (rects) =>
            rects.length > 1 && rects.some((r) => r.top >= rects[0].bottom - 1);
        const rectsOf = () => [...range.getClientRects()].filter((r) => r.width > 0);
        for (let node; (node = walker.nextNode()); ) {
            const parent = node.parentElement;
            if (!/\S/.test(node.data) || parent.closest(SKIP) || !shown(parent)) continue;
            if (!parent.closest("pre")) {
                const mark = /\\[_*`|]|``|:[a-z]+:`/.exec(node.data);
                if (mark) residue.push(start(node.data.slice(Math.max(0, mark.index - 20))));
            }
            range.selectNodeContents(node);
            if (!isSplit(rectsOf())) continue;
            for (const word of node.data.matchAll(/[\p{L}\p{N}_]+(?:[.'’,][\p{L}\p{N}_]+)*/gu)) {
                range.setStart(node, word.index);
                range.setEnd(node, word.index + word[0].length);
                if (isSplit(rectsOf())) broken.push(word[0]);
            }
        }
        for (const e of document.querySelectorAll("mjx-assistive-mml mtext"))
            if (e.textContent.includes("\\")) residue.push(start(e.textContent));
        return { broken, residue };
    }

    const header = document.querySelector("header.bd-header");
    const edges = [...(header?.querySelectorAll("*") ?? [])].filter(shown)
        .map((e) => e.getBoundingClientRect().right);
    const thumb = (e) => e.closest(".sphx-glr-thumbcontainer");
    return {
        header: round(header?.offsetHeight ?? 0),
        headerEnd: round(Math.max(0, ...edges)),
        window: document.documentElement.clientWidth,
        width: document.documentElement.scrollWidth,
        cut: cut(),
        ...texts(),
        images: [...document.images].filter(shown).map((e) => ({
            src: e.src,
            natural: e.naturalWidth,
            shown: round(e.getBoundingClientRect().width),
            alt: e.alt,
            title: (thumb(e) ?? e.closest("a"))?.innerText.trim() ?? "",
            isThumb: !!thumb(e),
            isLogo: !!e.closest("header, .navbar-brand, .sidebar-header-items"),
        })),
    };
}
