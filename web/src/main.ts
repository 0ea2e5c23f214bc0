/** Start: read the page's data, choose a painter, and show the first picture before the sound is unpacked. */
import { App } from "./app";
import { bytesOf, decode, type Player } from "./data";
import { h } from "./dom";
import type { Painter } from "./painter";
import type { PlayerData } from "./schema";
import { Sketch } from "./sketch";
import { Spectrogram } from "./spectrogram";
import { Stage } from "./stage";
import { Transport } from "./transport";

declare global {
  interface Window {
    orbitscope?: App;
  }
}

const NO_WEBGL = "This browser draws no 3-D graphics (WebGL), so the path is a still picture; the sound plays.";

async function start(): Promise<void> {
  const root = document.getElementById("app")!;
  const data = JSON.parse(document.getElementById("data")!.textContent!) as PlayerData;
  const player = decode(data);
  const { painter, notice } = choosePainter(player);
  const backdrop = data.strip ? await Spectrogram.load(data.strip).catch(() => null) : null;
  const audio = data.sound ? h("audio", { preload: "auto" }) : null;
  const transport = new Transport(audio, data.sound?.start_s ?? 0, data.start_s, data.end_s);
  window.orbitscope = new App(root, player, painter, transport, backdrop, notice);
  if (audio) {
    document.body.append(audio);
    requestAnimationFrame(() => {
      const element = document.getElementById("sound")!;
      audio.src = URL.createObjectURL(new Blob([bytesOf(element.textContent!)], { type: data.sound!.mime }));
      element.remove();
    });
  }
}

function choosePainter(player: Player): { painter: Painter; notice: string } {
  try {
    if (!document.createElement("canvas").getContext("webgl2")) throw new Error("no WebGL 2");
    return { painter: new Stage(h("canvas"), player), notice: "" };
  } catch {
    return { painter: new Sketch(h("canvas"), player), notice: NO_WEBGL };
  }
}

start().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  document.getElementById("app")!.replaceChildren(h("p", { class: "notice", role: "alert" }, `This page cannot be shown: ${text}.`));
});
