/** The picture: one canvas, a panel for each orbit, one camera for all of them. */
import * as THREE from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { curveThrough, type Forecast, placeAt, type Player, type Theme, valueAt } from "./data";
import type { Painter, Picture } from "./painter";
import { makePanel, type Panel, setColor } from "./panel";
import { Ribbon } from "./ribbon";

const PIXEL_RATIOS = [2, 1, 0.6]; // at most; where pictures come slowly, the next is taken
const SLOW_MS = 45;
const PATIENCE_MS = 800; // of slow pictures in a row
const RADIANS = Math.PI / 180;

export class Stage implements Painter {
  readonly canvas: HTMLCanvasElement;
  readonly controls: OrbitControls;
  private readonly renderer: THREE.WebGLRenderer;
  private readonly camera: THREE.PerspectiveCamera;
  private readonly panels: Panel[];
  private readonly flat: boolean;
  private readonly map = new THREE.DataTexture(new Uint8Array(4 * 256), 256, 1);
  private dark = true;
  private theme: Theme;
  private turn = 0;
  private lastMs = 0;
  private home = 0;
  private coarseness = 0;
  private slowMs = 0;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly player: Player,
  ) {
    this.canvas = canvas;
    this.theme = player.dark;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: false, powerPreference: "high-performance" });
    this.renderer.autoClear = false;
    this.renderer.outputColorSpace = THREE.LinearSRGBColorSpace; // colours are given as they are to be seen
    this.map.magFilter = this.map.minFilter = THREE.LinearFilter;
    this.flat = player.orbits.every((orbit) => orbit.flat);
    this.camera = new THREE.PerspectiveCamera(player.look.field_of_view_deg, 1, 0.01, 100);
    this.camera.up.set(0, this.flat ? 1 : 0, this.flat ? 0 : 1);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.dampingFactor = 0.08;
    this.controls.enableRotate = !this.flat;
    this.controls.minDistance = 0.3;
    this.controls.maxDistance = 20;
    this.panels = player.orbits.map((orbit) => makePanel(orbit, player.look, this.map));
  }

  setTheme(dark: boolean): void {
    this.dark = dark;
    this.theme = dark ? this.player.dark : this.player.light;
    for (const panel of this.panels) {
      const { uniforms } = panel;
      const { data } = this.theme;
      setColor(uniforms.groundColor, data.ground);
      setColor(uniforms.edgeColor, data.ground_edge);
      setColor(uniforms.headColor, data.head);
      setColor(uniforms.branchColor, data.ink);
      uniforms.additive.value = dark ? 1 : 0;
      for (const ribbon of [panel.path, ...panel.branches.map((branch) => branch.ribbon)]) ribbon.setBlending(dark);
      const halo = panel.halo.material as THREE.RawShaderMaterial;
      halo.blendSrc = dark ? THREE.OneFactor : THREE.ZeroFactor;
      halo.blendDst = dark ? THREE.OneFactor : THREE.SrcColorFactor;
    }
    this.setMap();
  }

  setColoring(name: string): void {
    for (const panel of this.panels) {
      panel.coloring = panel.orbit.colorings.find((one) => one.data.name === name) ?? panel.orbit.colorings[0];
      panel.path.setTones(panel.coloring.scaled, panel.coloring.data.cyclic);
      panel.uniforms.cyclic.value = panel.coloring.data.cyclic ? 1 : 0;
    }
    this.setMap();
  }

  setForecasts(panelIndex: number, forecasts: readonly Forecast[]): void {
    const panel = this.panels[panelIndex];
    for (const { forecast, ribbon } of panel.branches.filter((one) => !forecasts.includes(one.forecast))) {
      panel.scene.remove(ribbon.line);
      ribbon.dispose();
      panel.branches = panel.branches.filter((one) => one.forecast !== forecast);
    }
    for (const forecast of forecasts) {
      if (panel.branches.some((one) => one.forecast === forecast)) continue;
      const uniforms = {
        ...panel.uniforms,
        branch: { value: 1 },
        head: { value: 0 },
        branchLength: { value: forecast.steps },
        line: { value: this.player.look.branch },
      };
      const drawn = Uint32Array.from({ length: forecast.steps + 1 }, (_, i) => i);
      const ribbon = new Ribbon(curveThrough(forecast.shown, drawn), uniforms);
      ribbon.setBlending(this.dark);
      ribbon.line.renderOrder = 2;
      panel.scene.add(ribbon.line);
      panel.branches.push({ forecast, ribbon });
    }
  }

  setTurning(degPerS: number): void {
    this.turn = this.flat ? 0 : degPerS;
  }

  resetView(): void {
    const { look, orbits } = this.player;
    const distance = this.homeDistance();
    this.home = distance;
    this.controls.target.set(0, 0, 0);
    if (this.flat) {
      this.camera.position.set(0, 0, distance);
    } else {
      const azimuth = orbits[0].data.azimuth_deg * RADIANS;
      const elevation = look.elevation_deg * RADIANS;
      this.camera.position.setFromSphericalCoords(distance, Math.PI / 2 - elevation, 0);
      this.camera.position.set(
        distance * Math.cos(elevation) * Math.cos(azimuth),
        distance * Math.cos(elevation) * Math.sin(azimuth),
        distance * Math.sin(elevation),
      );
    }
    this.controls.update();
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, PIXEL_RATIOS[this.coarseness]));
    this.renderer.setSize(clientWidth, clientHeight, false);
    const distance = this.homeDistance();
    if (this.home && distance !== this.home) this.camera.position.multiplyScalar(distance / this.home);
    this.home = distance;
  }

  moving(): boolean {
    return this.turn !== 0 || this.controls.update();
  }

  paint(picture: Picture, nowMs: number): void {
    const elapsedS = Math.min(0.1, (nowMs - this.lastMs) / 1000);
    if (picture.steady) this.adapt(nowMs - this.lastMs);
    this.lastMs = nowMs;
    if (this.turn) {
      const turned = this.turn * RADIANS * elapsedS;
      this.camera.position.sub(this.controls.target).applyAxisAngle(this.camera.up, turned).add(this.controls.target);
    }
    this.controls.update();
    const size = this.renderer.getDrawingBufferSize(new THREE.Vector2());
    this.renderer.setScissorTest(true);
    this.panels.forEach((panel, i) => {
      const box = this.box(i, size.x, size.y);
      this.camera.aspect = box.width / box.height;
      this.camera.updateProjectionMatrix();
      this.camera.updateMatrixWorld();
      this.tell(panel, picture, i, box);
      const ratio = this.renderer.getPixelRatio();
      this.renderer.setViewport(box.x / ratio, box.y / ratio, box.width / ratio, box.height / ratio);
      this.renderer.setScissor(box.x / ratio, box.y / ratio, box.width / ratio, box.height / ratio);
      this.renderer.render(panel.scene, this.camera);
    });
  }

  /** As fine as the screen can show it, however slowly it is drawn otherwise. */
  snapshot(picture: Picture, nowMs: number): Promise<Blob | null> {
    const { coarseness } = this;
    this.coarseness = 0;
    this.resize();
    this.paint(picture, nowMs);
    const taken = new Promise<Blob | null>((resolve) => this.canvas.toBlob(resolve, "image/png"));
    this.coarseness = coarseness;
    this.resize();
    return taken;
  }

  /** Directions of the three axes on the screen, for the sign in the corner. */
  axes(): [number, number, number][] {
    const turn = this.camera.matrixWorldInverse;
    return [0, 1, 2].map((axis) => {
      const v = new THREE.Vector3().setComponent(axis, 1).transformDirection(turn);
      return [v.x, v.y, v.z];
    });
  }

  /** Draw fewer pixels where this machine is slow. */
  private adapt(elapsedMs: number): void {
    this.slowMs = elapsedMs > SLOW_MS ? this.slowMs + elapsedMs : 0;
    if (this.slowMs < PATIENCE_MS || this.coarseness === PIXEL_RATIOS.length - 1) return;
    this.coarseness += 1;
    this.slowMs = 0;
    this.resize();
  }

  /** Where panel `i` lies in a picture of that size, from its lower left corner. */
  private box(i: number, width: number, height: number): { x: number; y: number; width: number; height: number } {
    const count = this.panels.length;
    const columns = width >= height ? (count === 4 ? 2 : count) : count === 4 ? 2 : 1;
    const rows = Math.ceil(count / columns);
    const x0 = Math.round(((i % columns) * width) / columns);
    const x1 = Math.round(((i % columns + 1) * width) / columns);
    const row = rows - 1 - Math.floor(i / columns);
    const y0 = Math.round((row * height) / rows);
    const y1 = Math.round(((row + 1) * height) / rows);
    return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  }

  /** The distance from which the unit ball fills the narrower side of a panel. */
  private homeDistance(): number {
    const { look } = this.player;
    const { clientWidth, clientHeight } = this.canvas;
    const box = this.box(0, clientWidth || 1, clientHeight || 1);
    const aspect = box.width / box.height;
    if (this.flat) {
      const shape = Math.max(...this.player.orbits.map((orbit) => extent(orbit.shown, 0) / aspect));
      const tall = Math.max(...this.player.orbits.map((orbit) => extent(orbit.shown, 1)));
      return (1.15 * Math.max(shape, tall)) / Math.tan((look.field_of_view_deg / 2) * RADIANS);
    }
    const half = Math.atan(Math.tan((look.field_of_view_deg / 2) * RADIANS) * Math.min(1, aspect));
    return (look.distance * Math.sin((look.field_of_view_deg / 2) * RADIANS)) / Math.sin(half);
  }

  private tell(panel: Panel, picture: Picture, i: number, box: { x: number; y: number; width: number; height: number }) {
    const { uniforms, orbit } = panel;
    const { look } = this.player;
    const head = picture.heads[i];
    const unit = Math.min(box.height, 1.25 * box.width) / 1000;
    uniforms.viewport.value.set(box.width, box.height);
    uniforms.corner0.value.set(box.x, box.y);
    uniforms.unit.value = unit;
    uniforms.head.value = head;
    uniforms.overview.value = picture.overview ? 1 : 0;
    uniforms.tailPoints.value = Math.max(picture.tailS / orbit.data.hop_s, 1e-3);
    uniforms.distance0.value = this.camera.position.distanceTo(this.controls.target);
    uniforms.transform.value.multiplyMatrices(this.camera.projectionMatrix, this.camera.matrixWorldInverse);
    const place = placeAt(orbit.shown, head);
    uniforms.place.value.set(...place);
    const depth = new THREE.Vector3(...place).applyMatrix4(this.camera.matrixWorldInverse).z * -1;
    const nearness = Math.min(Math.max((uniforms.distance0.value + 1 - depth) / 2, 0), 1);
    const scale = unit * (look.far_width + (2 - 2 * look.far_width) * nearness);
    uniforms.halo.value = look.halo * scale;
    (panel.disc.material as THREE.RawShaderMaterial).uniforms.disc.value = look.head * scale;
    for (const mesh of [panel.halo, panel.disc]) {
      const radius = mesh === panel.halo ? 1.05 * look.halo : look.head + 2 / scale;
      (mesh.material as THREE.RawShaderMaterial).uniforms.size.value = radius * scale;
      mesh.visible = !picture.overview;
    }
    const { scaled, data } = panel.coloring;
    const tone = Math.round(255 * valueAt(scaled, head, data.cyclic));
    setColor(uniforms.tint, [...this.mapOf(panel).subarray(3 * tone, 3 * tone + 3)]);
    for (const { forecast, ribbon } of panel.branches) {
      ribbon.uniforms.head.value = picture.grown(i, forecast);
      ribbon.line.visible = !picture.overview && ribbon.uniforms.head.value > 0;
    }
  }

  private mapOf(panel: Panel): Uint8Array {
    return panel.coloring.data.cyclic ? this.theme.cyclicMap : this.theme.map;
  }

  private setMap(): void {
    const colors = this.mapOf(this.panels[0]);
    const pixels = this.map.image.data as Uint8Array;
    for (let i = 0; i < 256; i++) pixels.set([colors[3 * i], colors[3 * i + 1], colors[3 * i + 2], 255], 4 * i);
    this.map.needsUpdate = true;
  }
}

function extent(shown: Float32Array, axis: number): number {
  let most = 0;
  for (let i = axis; i < shown.length; i += 3) most = Math.max(most, Math.abs(shown[i]));
  return most || 1;
}
