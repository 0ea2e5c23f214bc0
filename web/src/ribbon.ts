/** A path as one instanced mesh: every segment a rectangle that the shader makes a capsule of. */
import * as THREE from "three";
import { type Curve, valueAt } from "./data";
import { PATH_FRAGMENT, PATH_VERTEX } from "./shaders";

export type Uniforms = Record<string, THREE.IUniform>;

/** The two corners a segment is stretched between, and its sides. */
function corners(): THREE.BufferAttribute {
  return new THREE.BufferAttribute(new Float32Array([0, -1, 0, 1, -1, 0, 1, 1, 0, 0, 1, 0]), 3);
}

/** What each segment needs of its two ends: values of `size` numbers a point, each with the next one's. */
function pairsOf(values: Float32Array, size: number): THREE.InstancedInterleavedBuffer {
  const count = Math.max(0, values.length / size - 1);
  const pairs = new Float32Array(2 * size * count);
  for (let i = 0; i < count; i++) pairs.set(values.subarray(i * size, (i + 2) * size), 2 * size * i);
  return new THREE.InstancedInterleavedBuffer(pairs, 2 * size, 1);
}

export class Ribbon {
  readonly line: THREE.Mesh;
  readonly glow: THREE.Mesh;
  private readonly tones: THREE.InstancedInterleavedBuffer;
  private readonly indices: Float32Array;

  /** `uniforms` are shared with the caller. */
  constructor({ places, indices }: Curve, readonly uniforms: Uniforms) {
    this.indices = indices;
    const geometry = new THREE.InstancedBufferGeometry();
    geometry.setAttribute("position", corners());
    geometry.setIndex([0, 1, 2, 0, 2, 3]);
    const pairs = pairsOf(places, 3);
    geometry.setAttribute("pointA", new THREE.InterleavedBufferAttribute(pairs, 3, 0));
    geometry.setAttribute("pointB", new THREE.InterleavedBufferAttribute(pairs, 3, 3));
    geometry.setAttribute("indices", new THREE.InterleavedBufferAttribute(pairsOf(indices, 1), 2, 0));
    this.tones = pairsOf(new Float32Array(indices.length), 1);
    geometry.setAttribute("tones", new THREE.InterleavedBufferAttribute(this.tones, 2, 0));
    geometry.instanceCount = Math.max(0, indices.length - 1);
    this.line = this.mesh(geometry, { spread: { value: 1 } });
    this.glow = this.mesh(geometry, { spread: { value: 5 } });
    this.glow.renderOrder = 1;
  }

  /** Colour by a number for each point of the path, 0 to 1. */
  setTones(scaled: Float32Array, cyclic: boolean): void {
    const pairs = this.tones.array as Float32Array;
    for (let i = 0; i < this.indices.length - 1; i++) {
      pairs[2 * i] = valueAt(scaled, this.indices[i], cyclic);
      pairs[2 * i + 1] = valueAt(scaled, this.indices[i + 1], cyclic);
    }
    this.tones.needsUpdate = true;
  }

  setBlending(dark: boolean): void {
    const line = this.line.material as THREE.RawShaderMaterial;
    line.blendEquation = dark ? THREE.MaxEquation : THREE.MinEquation;
    const glow = this.glow.material as THREE.RawShaderMaterial;
    glow.blendSrc = dark ? THREE.OneFactor : THREE.ZeroFactor;
    glow.blendDst = dark ? THREE.OneFactor : THREE.SrcColorFactor;
    line.needsUpdate = glow.needsUpdate = true;
  }

  dispose(): void {
    this.line.geometry.dispose();
    for (const mesh of [this.line, this.glow]) (mesh.material as THREE.Material).dispose();
  }

  private mesh(geometry: THREE.BufferGeometry, own: Uniforms): THREE.Mesh {
    const material = new THREE.RawShaderMaterial({
      glslVersion: THREE.GLSL3,
      vertexShader: PATH_VERTEX,
      fragmentShader: PATH_FRAGMENT,
      uniforms: { ...this.uniforms, ...own },
      depthTest: false,
      depthWrite: false,
      transparent: true,
      blending: THREE.CustomBlending,
      blendEquation: own.spread.value > 1 ? THREE.AddEquation : THREE.MaxEquation,
      blendSrc: THREE.OneFactor,
      blendDst: THREE.OneFactor,
    });
    const mesh = new THREE.Mesh(geometry, material);
    mesh.frustumCulled = false;
    return mesh;
  }
}
