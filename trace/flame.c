/* SPDX-License-Identifier: MIT */
/*
 * Flame graphs: a tree of stacks as an SVG picture that answers.
 *
 * A box is a function, as wide as the share of stacks through it; its callers are below it.
 * Everything that the picture needs is inside it: style, script, text.  The script keeps each box's
 * place as it was written (data-x, data-w, in parts of the whole), so zooming is a multiplication
 * and always can be undone.
 */
#include <stdio.h>
#include <string.h>

#include "folded.h"

enum { WIDTH = 1200, PAD = 10, ROW = 16, TOP = 52, BOTTOM = 34, FONT = 12 };

static const char style[] =
    "text{font:12px monospace;fill:#000}"
    ".t{font:17px sans-serif;text-anchor:middle}"
    ".f{cursor:pointer}.f:hover rect{stroke:#000;stroke-width:.6}"
    ".b{opacity:.55}.b:hover{opacity:1}.b text,.b{cursor:pointer}"
    ".far rect{opacity:.5}.hit rect{fill:#e600e6}";

static const char script[] =
    "const svg=document.documentElement,all=[...document.querySelectorAll('.f')],W=1180,P=10,CH=7.1;\n"
    "const $=i=>document.getElementById(i),info=$('info'),found=$('found');\n"
    "let view={x:0,w:1,y:1e9},rx=null;\n"
    "for(const g of all){g.x0=+g.dataset.x;g.w0=+g.dataset.w;g.y0=+g.dataset.y;"
    "g.r=g.querySelector('rect');g.t=g.querySelector('text');"
    "g.say=g.querySelector('title').textContent;g.name=g.dataset.n}\n"
    "function label(g,w){const n=Math.floor((w-6)/CH);"
    "g.t.textContent=n<3?'':g.name.length<=n?g.name:g.name.slice(0,n-2)+'..'}\n"
    "function draw(){for(const g of all){let a=(g.x0-view.x)/view.w,b=(g.x0+g.w0-view.x)/view.w;"
    "const far=g.y0>view.y;a=Math.max(a,0);b=Math.min(b,1);const w=(b-a)*W;"
    "if(w<.1||(g.y0===view.y&&(a>0||b<1))&&w<.1){g.style.display='none';continue}"
    "g.style.display='';const x=P+a*W;g.r.setAttribute('x',x);g.r.setAttribute('width',w);"
    "g.t.setAttribute('x',x+3);label(g,w);g.classList.toggle('far',far)}"
    "$('reset').style.display=view.w<1?'':'none'}\n"
    "function zoom(g){view=g?{x:g.x0,w:g.w0,y:g.y0}:{x:0,w:1,y:1e9};draw()}\n"
    "function search(s){try{rx=s?new RegExp(s,ignore?'i':''):null}catch(e){rx=null}"
    "const hits=[];for(const g of all){const h=!!rx&&rx.test(g.name);g.classList.toggle('hit',h);"
    "if(h)hits.push([g.x0,g.x0+g.w0])}"
    "hits.sort((p,q)=>p[0]-q[0]);let sum=0,end=0;for(const [a,b] of hits){if(b>end){sum+=b-Math.max(a,end);end=b}}"
    "found.textContent=rx?'Matched: '+(100*sum).toFixed(1)+'%':''}\n"
    "let ignore=false,last='';\n"
    "function ask(){const s=prompt('Search (regular expression):',last);if(s===null)return;last=s;search(s)}\n"
    "svg.addEventListener('mouseover',e=>{const g=e.target.closest('.f');info.textContent=g?g.say:''});\n"
    "svg.addEventListener('click',e=>{const g=e.target.closest('.f');if(g)zoom(g);"
    "else if(e.target.id==='reset')zoom(null);else if(e.target.id==='search')ask();"
    "else if(e.target.id==='case'){ignore=!ignore;e.target.textContent=ignore?'[i]':'[I]';search(last)}});\n"
    "addEventListener('keydown',e=>{if(e.key==='f'&&(e.ctrlKey||e.metaKey)){e.preventDefault();ask()}"
    "else if(e.key==='Escape'){last='';search('');zoom(null)}});\n"
    "const h=new URLSearchParams(location.hash.slice(1));"
    "if(h.get('s')){last=h.get('s');search(last)}"
    "if(h.get('z')){const g=all.find(g=>g.name===h.get('z'));if(g)zoom(g)}\n"
    "draw();\n";

void
xml_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		switch (*s) {
		case '&': buf_str(out, "&amp;"); break;
		case '<': buf_str(out, "&lt;"); break;
		case '>': buf_str(out, "&gt;"); break;
		case '"': buf_str(out, "&quot;"); break;
		default:
			if ((unsigned char)*s >= 0x20)
				buf_add(out, s, 1);
			break;
		}
}

/* 12345 as 12,345. */
static void
thousands(char *buf, size_t size, uint64_t n)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	size_t k = 0;

	for (int i = 0; i < len && k + 2 < size; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[k++] = ',';
		buf[k++] = digits[i];
	}
	buf[k] = '\0';
}

/* Warm, and the same for the same name; functions of the kernel are more orange. */
static void
colour(const struct frame *f, unsigned rgb[3])
{
	uint32_t h = 2166136261u;

	for (const char *p = f->name; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	rgb[0] = 205 + h % 51;
	rgb[1] = f->kernel ? 120 + (h >> 8) % 71 : (h >> 8) % 231;
	rgb[2] = (h >> 16) % 56;
	if (strcmp(f->name, "-") == 0)
		rgb[0] = rgb[1] = rgb[2] = 160;
}

struct picture {
	struct buf *out;
	uint64_t all;
	unsigned height;
};

/* A box and those above it; x: stacks to the left. Too narrow ones are left out with all above. */
static void
box(struct picture *p, const struct frame *f, uint64_t x, unsigned level)
{
	double scale = (double)(WIDTH - 2 * PAD) / (double)p->all, w = (double)f->total * scale;
	unsigned rgb[3], y = p->height - BOTTOM - (level + 1) * ROW;
	char n[40];

	if (w < 0.1)
		return;
	colour(f, rgb);
	thousands(n, sizeof(n), f->total);
	buf_printf(p->out, "<g class=\"f\" data-x=\"%.9g\" data-w=\"%.9g\" data-y=\"%u\" data-n=\"",
	    (double)x / (double)p->all, (double)f->total / (double)p->all, y);
	xml_text(p->out, f->name);
	buf_str(p->out, "\"><title>");
	xml_text(p->out, f->name);
	buf_printf(p->out, " (%s samples, %.2f%%)</title><rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" "
	    "height=\"%d\" rx=\"2\" fill=\"rgb(%u,%u,%u)\"/><text x=\"%.1f\" y=\"%u\"/></g>\n", n,
	    100.0 * (double)f->total / (double)p->all, PAD + (double)x * scale, y, w, ROW - 1, rgb[0],
	    rgb[1], rgb[2], PAD + (double)x * scale + 3, y + ROW - 5);
	for (const struct frame *c = f->child; c != NULL; c = c->next) {
		box(p, c, x, level + 1);
		x += c->total;
	}
}

void
flame_print(struct buf *out, const struct frame *root, const char *title)
{
	struct picture p = {out, root->total != 0 ? root->total : 1,
	    TOP + BOTTOM + (frame_depth(root) + 1) * ROW};

	buf_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
	    "viewBox=\"0 0 %d %u\">\n<style>%s</style>\n"
	    "<defs><linearGradient id=\"sky\" x2=\"0\" y2=\"1\"><stop stop-color=\"#eeeeee\"/>"
	    "<stop offset=\"1\" stop-color=\"#eeeeb0\"/></linearGradient></defs>\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"url(#sky)\"/>\n"
	    "<text class=\"t\" x=\"%d\" y=\"24\">", WIDTH, p.height, WIDTH, p.height, style, WIDTH / 2);
	xml_text(out, title);
	buf_printf(out, "</text>\n<text id=\"reset\" class=\"b\" x=\"%d\" y=\"24\" "
	    "style=\"display:none\">Reset Zoom</text>\n<text id=\"search\" class=\"b\" x=\"%d\" "
	    "y=\"24\">Search</text>\n<text id=\"case\" class=\"b\" x=\"%d\" y=\"24\">[I]</text>\n"
	    "<text id=\"info\" x=\"%d\" y=\"%u\"></text>\n<text id=\"found\" x=\"%d\" y=\"%u\"></text>\n",
	    PAD, WIDTH - 100, WIDTH - 40, PAD, p.height - 12, WIDTH - 130, p.height - 12);
	box(&p, root, 0, 0);
	buf_str(out, "<script><![CDATA[\n");
	buf_str(out, script);
	buf_str(out, "]]></script>\n</svg>\n");
}
