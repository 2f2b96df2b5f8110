export const createMachine = (): undefined => undefined;
