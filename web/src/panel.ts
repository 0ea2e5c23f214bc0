/** One orbit on the stage: its meshes, and what their shaders are told. */
import * as THREE from "three";
import { type Coloring, curveThrough, type Forecast, type Orbit } from "./data";
import { Ribbon, type Uniforms } from "./ribbon";
import type { Look } from "./schema";
import { GROUND_FRAGMENT, GROUND_VERTEX, HEAD_FRAGMENT, HEAD_VERTEX } from "./shaders";

export interface Panel {
  readonly orbit: Orbit;
  readonly scene: THREE.Scene;
  readonly uniforms: Uniforms;
  readonly path: Ribbon;
  readonly halo: THREE.Mesh;
  readonly disc: THREE.Mesh;
  branches: Branch[];
  coloring: Coloring;
}

export interface Branch {
  readonly forecast: Forecast;
  readonly ribbon: Ribbon;
}

export function makePanel(orbit: Orbit, look: Look, map: THREE.Texture): Panel {
  const uniforms: Uniforms = {
    viewport: { value: new THREE.Vector2(1, 1) },
    corner0: { value: new THREE.Vector2() },
    groundColor: { value: new THREE.Vector3() },
    edgeColor: { value: new THREE.Vector3() },
    headColor: { value: new THREE.Vector3() },
    branchColor: { value: new THREE.Vector3() },
    tint: { value: new THREE.Vector3() },
    place: { value: new THREE.Vector3() },
    transform: { value: new THREE.Matrix4() },
    map: { value: map },
    cyclic: { value: 0 },
    additive: { value: 1 },
    unit: { value: 1 },
    head: { value: 0 },
    tailPoints: { value: 1 },
    overview: { value: 1 },
    distance0: { value: look.distance },
    branch: { value: 0 },
    branchLength: { value: 1 },
    halo: { value: 1 },
    haloStrength: { value: look.halo_strength },
    line: { value: look.line },
    lineAhead: { value: look.line_ahead },
    ahead: { value: look.ahead },
    behind: { value: look.behind },
    farWidth: { value: look.far_width },
    farStrength: { value: look.far_strength },
    tailWidth: { value: look.tail_width },
  };
  const scene = new THREE.Scene();
  const ground = square(GROUND_VERTEX, GROUND_FRAGMENT, uniforms, { transparent: false, blending: THREE.NoBlending });
  ground.renderOrder = -1;
  const path = new Ribbon(curveThrough(orbit.shown, orbit.drawn), uniforms);
  const halo = square(HEAD_VERTEX, HEAD_FRAGMENT, { ...uniforms, size: { value: 1 }, disc: { value: 0 } }, {
    blending: THREE.CustomBlending,
    blendSrc: THREE.OneFactor,
    blendDst: THREE.OneFactor,
  });
  const disc = square(HEAD_VERTEX, HEAD_FRAGMENT, { ...uniforms, size: { value: 1 }, disc: { value: 1 } }, {
    blending: THREE.NormalBlending,
  });
  halo.renderOrder = 3;
  disc.renderOrder = 4;
  scene.add(ground, path.line, path.glow, halo, disc);
  return { orbit, scene, uniforms, path, halo, disc, branches: [], coloring: orbit.colorings[0] };
}

function square(vertexShader: string, fragmentShader: string, uniforms: Uniforms, options: THREE.ShaderMaterialParameters) {
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array([-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0]), 3));
  geometry.setIndex([0, 1, 2, 0, 2, 3]);
  const material = new THREE.RawShaderMaterial({
    glslVersion: THREE.GLSL3,
    vertexShader,
    fragmentShader,
    uniforms,
    depthTest: false,
    depthWrite: false,
    transparent: true,
    ...options,
  });
  const mesh = new THREE.Mesh(geometry, material);
  mesh.frustumCulled = false;
  return mesh;
}

export function setColor(uniform: THREE.IUniform, color: readonly number[]): void {
  uniform.value.set(color[0] / 255, color[1] / 255, color[2] / 255);
}
