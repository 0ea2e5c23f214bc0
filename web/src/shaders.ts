/**
 * How a path looks, on the graphics card. A segment is a capsule on the screen, drawn by its distance, so that its edge is
 * smooth at any width. Lines are composited by max on a dark ground and by min on a light one: no order, no beads.
 */
const COMMON = /* glsl */ `
precision highp float;
precision highp int;
uniform vec2 viewport;   // of the panel, in pixels
uniform vec2 corner0;    // its lower left corner, in pixels
uniform vec3 groundColor;
uniform vec3 edgeColor;

vec3 groundAt(vec2 pixel) {
  vec2 p = (pixel - corner0) / viewport - 0.5;
  float r = clamp(length(p * vec2(min(viewport.x / viewport.y, 1.6), 1.0)) / 0.85, 0.0, 1.0);
  return mix(groundColor, edgeColor, r * r * (3.0 - 2.0 * r));
}
`;

export const GROUND_VERTEX = /* glsl */ `
in vec3 position;
void main() { gl_Position = vec4(position.xy, 1.0, 1.0); }
`;

export const GROUND_FRAGMENT = /* glsl */ `${COMMON}
out vec4 color;
void main() {
  // a fixed pattern below one step of brightness, so that the gradient does not band
  float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
  color = vec4(groundAt(gl_FragCoord.xy) + grain / 255.0, 1.0);
}
`;

const PATH = /* glsl */ `
uniform float unit;       // pixels in a thousandth of the height
uniform float head;       // fractional index of the point that is heard
uniform float tailPoints;
uniform float overview;   // 1: the whole path at full strength
uniform float distance0;  // of the camera from the middle of the ball
uniform float line, lineAhead, ahead, behind, farWidth, farStrength, tailWidth;
uniform float branch;     // 1: a forecast, which goes as far as head and fades

float nearness(float depth) { return clamp((distance0 + 1.0 - depth) / 2.0, 0.0, 1.0); }

float glow(float index) {
  float age = (head - index) / tailPoints;
  return (age >= 0.0 && age < 1.0 && overview < 0.5) ? (1.0 - age) * (1.0 - age) : 0.0;
}

float widthAt(float index, float depth) {
  float f = nearness(depth);
  float w = line * unit * mix(farWidth, 2.0 - farWidth, f);
  if (branch > 0.5) return w;
  if (overview < 0.5 && index > head) return w * lineAhead;
  return w * (1.0 + (tailWidth - 1.0) * glow(index));
}
`;

export const PATH_VERTEX = /* glsl */ `${COMMON}${PATH}
uniform mat4 transform;
uniform float spread;  // width of the glow in widths of the line; 1 for the line itself
in vec3 position;      // x: which end, y: which side
in vec3 pointA, pointB;
in vec2 indices, tones;
out vec2 pixel;
flat out vec4 ends;    // both ends in pixels
flat out vec2 depths, between, toned;

void main() {
  vec4 a = transform * vec4(pointA, 1.0), b = transform * vec4(pointB, 1.0);
  float near = 0.05;
  if ((a.w < near && b.w < near) || (spread > 1.0 && (indices.x > head || indices.y < head - tailPoints))
      || (branch > 0.5 && indices.x > head)) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    return;
  }
  if (a.w < near) a = mix(a, b, (near - a.w) / (b.w - a.w));
  if (b.w < near) b = mix(b, a, (near - b.w) / (a.w - b.w));
  vec2 sa = (a.xy / a.w * 0.5 + 0.5) * viewport, sb = (b.xy / b.w * 0.5 + 0.5) * viewport;
  float w = max(widthAt(indices.x, a.w), widthAt(indices.y, b.w));
  if (indices.x < head && head < indices.y) w = max(w, widthAt(head, min(a.w, b.w)));
  float pad = max(w, 1.0) * 0.5 * spread + 1.5;
  vec2 along = sb - sa;
  float reach = length(along);
  along = reach > 1e-4 ? along / reach : vec2(1.0, 0.0);
  vec2 across = vec2(-along.y, along.x);
  vec2 place = (position.x < 0.5 ? sa - along * pad : sb + along * pad) + across * position.y * pad;
  pixel = place;
  ends = vec4(sa, sb);
  depths = vec2(a.w, b.w);
  between = indices;
  toned = tones;
  gl_Position = vec4(place / viewport * 2.0 - 1.0, 0.0, 1.0);
}
`;

export const PATH_FRAGMENT = /* glsl */ `${COMMON}${PATH}
uniform sampler2D map;
uniform float cyclic, spread, additive, branchLength;
uniform vec3 headColor, branchColor;
in vec2 pixel;
flat in vec4 ends;
flat in vec2 depths, between, toned;
out vec4 color;

void main() {
  vec2 along = ends.zw - ends.xy;
  float t = clamp(dot(pixel - ends.xy, along) / max(dot(along, along), 1e-6), 0.0, 1.0);
  float index = mix(between.x, between.y, t), depth = mix(depths.x, depths.y, t);
  float away = length(pixel - ends.xy - along * t);
  float w = widthAt(index, depth), g = glow(index);
  float strength = mix(farStrength, 1.0, nearness(depth)) * min(w, 1.0);
  w = max(w, 1.0);
  float step = toned.y - toned.x;
  if (cyclic > 0.5) step -= round(step);
  float tone = toned.x + t * step;
  vec3 tint = texture(map, vec2((cyclic > 0.5 ? fract(tone) : tone) * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
  float cover;
  if (spread > 1.0) {
    float fall = clamp(1.0 - away / (0.5 * w * spread), 0.0, 1.0);
    color = vec4(tint * (0.25 * g * fall * fall * strength), 1.0);
    if (additive < 0.5) color = vec4(mix(vec3(1.0), tint, 0.25 * g * fall * fall * strength), 1.0);
    return;
  }
  cover = clamp(0.5 * w + 0.5 - away, 0.0, 1.0);
  if (branch > 0.5) {
    if (index > head) discard;
    tint = branchColor;
    strength *= 0.95 - 0.65 * index / max(branchLength, 1.0);
  } else if (overview > 0.5) {
    strength *= behind;
  } else if (index > head) {
    strength *= ahead;
  } else {
    strength *= mix(behind, 1.0, g);
    tint = mix(tint, headColor, 0.55 * g);
  }
  color = vec4(mix(groundAt(gl_FragCoord.xy), tint, cover * strength), 1.0);
}
`;

export const HEAD_VERTEX = /* glsl */ `${COMMON}
uniform mat4 transform;
uniform vec3 place;
uniform float size;    // half the side of the square, in pixels
in vec3 position;
out vec2 offset;
void main() {
  vec4 middle = transform * vec4(place, 1.0);
  offset = position.xy * size;
  gl_Position = vec4(middle.xy / middle.w + position.xy * size * 2.0 / viewport, 0.0, 1.0);
}
`;

export const HEAD_FRAGMENT = /* glsl */ `${COMMON}
uniform vec3 tint, headColor;
uniform float disc, halo, haloStrength, additive;
in vec2 offset;
out vec4 color;
void main() {
  float away = length(offset);
  float light = exp(-4.6 * (away / halo) * (away / halo)) * haloStrength;
  if (disc > 0.5) {
    float cover = clamp(disc + 0.5 - away, 0.0, 1.0);
    color = vec4(headColor, cover);
  } else {
    color = additive > 0.5 ? vec4(tint * light, 1.0) : vec4(mix(vec3(1.0), tint, light), 1.0);
  }
}
`;
