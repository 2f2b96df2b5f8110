/** What the body of a frame is: its first value. Sent; never renumber. */
export const bodyKind = {
  messages: 1,
  hello: 2,
  welcome: 3,
  refusal: 4,
  proof: 5,
  probe: 6,
  heard: 7,
} as const;
