export const playInnovaphone = async (): Promise<void> => {}
