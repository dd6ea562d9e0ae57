"""The drivers that come with the SDK. Each is imported only when it is configured."""
